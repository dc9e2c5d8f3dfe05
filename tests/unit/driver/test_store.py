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

from importlib import metadata
import io

import glance_store
from glance_store._drivers import rbd
from glance_store import exceptions
from glance_store import location
from oslo_config import cfg
import testtools

from glance_progress.driver import failure
from glance_progress.driver import store
from glance_progress import fixture
from glance_progress.records import memcached
from glance_progress.records import wire
from tests.unit import base


needs_rados = testtools.skipIf(rbd.rados is None, 'needs python3-rados')


class Context:
    request_id = 'req-1'


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.patch('glance_store.location.SCHEME_TO_CLS_MAP', {})
        self.patch('glance_store.location.SCHEME_TO_CLS_BACKEND_MAP', {})
        self.memcached = self.useFixture(base.Server())
        self.process = self.useFixture(fixture.Process())

    def conf(self, *lines):
        return self.config('\n'.join((
            '[glance_progress]',
            'memcached_servers = ' + self.memcached.address) + lines))


class TestLoading(TestCase):

    def create_multi_stores(self, *lines):
        conf = self.conf(*lines, '[DEFAULT]',
                         'enabled_backends = fast:rbd_progress')
        conf.register_opt(cfg.DictOpt('enabled_backends'))
        glance_store.register_store_opts(conf)
        return glance_store.create_multi_stores(conf)

    def create_stores(self, *lines):
        conf = self.conf(*lines, '[glance_store]', 'stores = rbd_progress',
                         'default_store = rbd')
        glance_store.register_opts(conf)
        return glance_store.create_stores(conf)

    def test_entry_point(self):
        entry, = (entry for entry in metadata.distribution(
            'glance-progress').entry_points
            if entry.group == 'glance_store.drivers')
        self.assertEqual('rbd_progress', entry.name)
        self.assertIs(store.Store, entry.load())

    def test_several_backends(self):
        # It asks Ceph for its fsid.
        self.patch('glance_store._drivers.rbd.Store._set_url_prefix',
                   lambda driver: None)
        self.create_multi_stores()
        for scheme in ('rbd', 'rbd_progress'):
            loaded = location.SCHEME_TO_CLS_BACKEND_MAP[scheme]['fast']
            self.assertIsInstance(loaded['store'], store.Store)
            self.assertIs(rbd.StoreLocation, loaded['location_class'])

    def test_one_backend(self):
        self.create_stores()
        self.assertIsInstance(
            location.SCHEME_TO_CLS_MAP['rbd']['store'], store.Store)

    @needs_rados
    def test_the_stock_drivers_options(self):
        self.create_stores('[glance_store]', 'rbd_store_pool = pictures')
        self.assertEqual(
            'pictures', location.SCHEME_TO_CLS_MAP['rbd']['store'].pool)

    def test_a_wrong_option_stops_the_service(self):
        for create in (self.create_multi_stores, self.create_stores):
            for line in ('update_interval = often',
                         'memcached_servers = a:b',
                         'stalled_after = nan',
                         'memcached_tls_certfile = /cert.pem'):
                exc = self.assertRaises(ValueError, create, line)
                for word in line.split(' = '):
                    self.assertIn(word, str(exc))

    def test_an_option_of_keystone_authtoken_does_not(self):
        for lines in (['memcached_servers = a:b'],
                      ['memcached_servers = $nothing'],
                      ['memcached_servers = a:1',
                       'memcache_sasl_enabled = true'],
                      ['memcached_servers = a:1',
                       'memcache_tls_enabled = perhaps']):
            self.process.reset()
            self.create_stores('memcached_servers =', '[keystone_authtoken]',
                               *lines)
            self.assertEqual([], memcached.get(None).servers)


class TestAdd(TestCase):

    def store(self, identifier='fast'):
        return store.Store(self.conf(), backend=identifier)

    def known(self):
        """Return the one record that is published."""
        self.assertTrue(self.process.flush(base.PATIENCE))
        value, = (value for key, value in self.memcached.values.items()
                  if key.startswith('glance_progress:'))
        return wire.Record.from_json(value)

    @needs_rados
    def test_without_ceph(self):
        under_test = self.store()
        under_test.conf_file = '/missing/ceph.conf'
        under_test.user = 'glance'
        self.assertRaises(
            rbd.rados.ObjectNotFound, under_test.add, base.IMAGE,
            io.BytesIO(b'12345'), 5, 'sha512', context=Context)
        known = self.known()
        self.assertEqual(
            (base.IMAGE, 'fast', 'failed', 0, 5, 'req-1', failure.UNKNOWN),
            (known.image_id, known.store, known.state, known.bytes_written,
             known.total_bytes, known.request_id, known.failure))

    def pretend_ceph(self, error=None):
        """Leave the writing out of the stock driver's add()."""
        def add(driver, *args, **kwargs):
            self.args, self.kwargs = args, kwargs
            size = len(args[1].read())
            if error:
                raise error
            return ('rbd://x', size, 'md5', 'sha512', {'store': 'fast'})

        self.patch('glance_store._drivers.rbd.Store.add', add)

    def test_not_configured(self):
        """Nothing is known of what to overlap: all is the stock driver's."""
        self.pretend_ceph()
        self.patch('glance_progress.driver.pipeline.possible', lambda: True)
        self.patch('glance_progress.driver.pipeline.Pipeline.add', None)
        self.assertEqual(5, self.store().add(
            base.IMAGE, io.BytesIO(b'12345'), 0, 'sha512')[1])

    def test_not_possible(self):
        self.pretend_ceph()
        self.patch('glance_progress.driver.pipeline.possible', lambda: False)
        self.patch('glance_progress.driver.pipeline.Pipeline.add', None)
        driver = self.store()
        driver._writes_in_flight = 3
        self.assertEqual(5, driver.add(
            base.IMAGE, io.BytesIO(b'12345'), 0, 'sha512')[1])

    def test_success(self):
        self.pretend_ceph()
        result = self.store().add(
            base.IMAGE, io.BytesIO(b'12345'), 0, 'sha512', verifier='me')
        self.assertEqual(
            ('rbd://x', 5, 'md5', 'sha512', {'store': 'fast'}), result)
        self.assertEqual((base.IMAGE, 0, 'sha512'),
                         (self.args[0],) + self.args[2:])
        self.assertEqual({'verifier': 'me'}, self.kwargs)
        known = self.known()
        self.assertEqual(
            ('finished', 5, 5, None), (known.state, known.bytes_written,
                                       known.total_bytes, known.request_id))

    def test_the_drivers_exception_passes(self):
        for error in (exceptions.StorageFull(), SystemExit()):
            self.pretend_ceph(error)
            self.assertIs(error, self.assertRaises(
                type(error), self.store().add, base.IMAGE,
                io.BytesIO(b'12345'), 5, 'sha512'))
            self.assertEqual(
                failure.reason(error, False), self.known().failure)

    def test_request_id_of_a_positional_context(self):
        self.pretend_ceph()
        self.store().add(
            base.IMAGE, io.BytesIO(b'1'), 1, 'sha512', Context)
        self.assertEqual('req-1', self.known().request_id)

    def test_a_request_id_that_is_no_text(self):
        self.pretend_ceph()
        context = Context()
        context.request_id = 1
        self.store().add(
            base.IMAGE, io.BytesIO(b'1'), 1, 'sha512', context=context)
        self.assertIsNone(self.known().request_id)

    def test_a_store_without_a_name(self):
        self.pretend_ceph()
        self.store(identifier=None).add(
            base.IMAGE, io.BytesIO(b'1'), 1, 'sha512')
        self.assertEqual('rbd', self.known().store)
