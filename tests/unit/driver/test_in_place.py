# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

from unittest import mock

from glance_store._drivers import rbd as stock

from glance_progress.driver import in_place
from tests.unit import base


class TestInPlace(base.TestCase):

    def connection(self, timeout, *unknown, **options):
        """Return a connection that does not know the options *unknown*."""
        def conf_set(option, value):
            if option in unknown:
                raise stock.rados.ObjectNotFound('made up', errno=2)
            self.options[option] = value

        if stock.rados is None:
            self.skipTest('needs python3-rados')
        self.options = {'rados_osd_op_timeout': timeout, **options}
        return mock.Mock(conf_get=self.options.get, conf_set=conf_set)

    def test_no_copies_and_no_cache(self):
        for none in ('0', '0.000000'):
            in_place.prepare(self.connection(none))
            self.assertEqual({
                'rados_osd_op_timeout': none, 'rbd_cache': 'false',
                'ms_async_reap_threshold': '1',
                'rbd_disable_zero_copy_writes': 'false'}, self.options)

    def test_writes_that_are_given_up(self):
        for timeout in ('5', '0.5', '5 seconds', None):
            in_place.prepare(self.connection(timeout))
            self.assertEqual({'rados_osd_op_timeout': timeout}, self.options)

    def test_a_persistent_cache(self):
        in_place.prepare(
            self.connection('0', rbd_plugins='pwl_cache'))
        self.assertNotIn('rbd_cache', self.options)
        in_place.prepare(self.connection('0', rbd_plugins=''))
        self.assertIn('rbd_cache', self.options)

    def test_a_librbd_that_copies_always(self):
        in_place.prepare(
            self.connection('0', 'rbd_disable_zero_copy_writes'))
        self.assertNotIn('rbd_cache', self.options)

    def test_connections_that_are_kept(self):
        in_place.prepare(
            self.connection('0', 'ms_async_reap_threshold'))
        self.assertEqual({'rados_osd_op_timeout': '0'}, self.options)
