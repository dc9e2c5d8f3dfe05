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

from glance_store import multi_backend
from oslo_config import cfg

from glance_progress.driver import store_type
from tests.unit import base


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.conf = self.config('\n'.join((
            '[DEFAULT]', 'enabled_backends = a:rbd_progress,b:file,c:rbd',
            '[glance_store]', 'default_backend = a')))
        self.conf.register_opt(cfg.DictOpt('enabled_backends'))
        self.conf.register_opts(
            multi_backend._STORE_OPTS, group='glance_store')
        self.patch('glance_store.multi_backend.CONF', self.conf)

    def test_types(self):
        store_type.search_ours_too(self.conf)
        self.assertEqual({'a': 'rbd', 'b': 'file', 'c': 'rbd'},
                         multi_backend.CONF.enabled_backends)
        self.assertEqual('rbd_progress', self.conf.enabled_backends['a'])

    def test_all_else_is_the_same(self):
        store_type.search_ours_too(self.conf)
        for conf in self.conf, multi_backend.CONF:
            self.assertEqual('a', conf.glance_store.default_backend)
            self.assertEqual('a', conf['glance_store']['default_backend'])
            self.assertRaises(cfg.NoSuchOptError, getattr, conf, 'nope')

    def test_what_changes_later_is_seen(self):
        store_type.search_ours_too(self.conf)
        for kind, seen in (('file', 'file'), ('rbd_progress', 'rbd')):
            self.conf.set_override('enabled_backends', {'new': kind})
            self.assertEqual(
                {'new': seen}, multi_backend.CONF.enabled_backends)

    def test_no_backends(self):
        store_type.search_ours_too(self.conf)
        for value in (None, {}):
            self.conf.set_override('enabled_backends', value)
            self.assertEqual(value, multi_backend.CONF.enabled_backends)

    def test_once(self):
        store_type.search_ours_too(self.conf)
        seen = multi_backend.CONF
        store_type.search_ours_too(self.conf)
        self.assertIs(seen, multi_backend.CONF)

    def test_options_of_somebody_else(self):
        store_type.search_ours_too(cfg.ConfigOpts())
        self.assertIs(self.conf, multi_backend.CONF)
