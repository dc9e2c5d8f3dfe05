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

import os

import fixtures
import glance_store
from glance_store._drivers import rbd
from glance_store import capabilities
from glance_store import exceptions
from glance_store import location
from oslo_config import cfg

from glance_progress.driver import register
from glance_progress.driver import staging
from glance_progress.driver import store
from glance_progress import fixture
from glance_progress.records import wire
from tests.unit import base


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        for name in ('glance_store.location.SCHEME_TO_CLS_BACKEND_MAP',
                     'glance_store.location.SCHEME_TO_CLS_MAP',
                     'glance_store.multi_backend._RESERVED_STORES'):
            self.patch(name, {})
        # It asks Ceph for its fsid.
        self.patch('glance_store._drivers.rbd.Store._set_url_prefix',
                   lambda driver: None)
        self.useFixture(fixture.Process())

    def a_glance(self, *lines):
        """Load the stores of a Glance."""
        self.directory = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'staging')
        conf = self.config('\n'.join((
            '[glance_progress]', 'memcached_servers = 127.0.0.1:1',
            '[%s]' % wire.STAGING_STORE,
            'filesystem_store_datadir = ' + self.directory, *lines)))
        conf.register_opt(cfg.DictOpt('enabled_backends'))
        for module in 'backend', 'multi_backend', 'driver':
            self.patch('glance_store.%s.CONF' % module, conf)
        if conf.enabled_backends:
            reserved = {wire.STAGING_STORE: 'file'}
            glance_store.register_store_opts(conf, reserved)
            glance_store.create_multi_stores(conf, reserved)
        else:
            glance_store.register_opts(conf)
            glance_store.create_stores(conf)
        return conf


class TestSeveral(TestCase):

    LINES = ('[DEFAULT]',
             'enabled_backends = a:rbd,b:rbd,c:rbd_progress,d:file', '[d]',
             'filesystem_store_datadir = /nonexistent')

    def types(self):
        return {name: type(glance_store.get_store_from_store_identifier(name))
                for name in ('a', 'b', 'c', wire.STAGING_STORE)}

    def test_all_of_rbd(self):
        conf = self.a_glance(*self.LINES)
        self.assertEqual(rbd.Store, self.types()['a'])
        register.install(conf)
        for _ in range(2):
            self.assertEqual(
                {'a': store.Store, 'b': store.Store, 'c': store.Store,
                 wire.STAGING_STORE: staging.Store}, self.types())
        self.assertEqual('rbd', conf.enabled_backends['a'])

    def test_those_that_shall_stay(self):
        conf = self.a_glance(
            '[glance_progress]', 'stock_stores = b', *self.LINES)
        register.install(conf)
        self.assertEqual(store.Store, self.types()['a'])
        self.assertEqual(rbd.Store, self.types()['b'])

    def test_asks_no_ceph(self):
        conf = self.a_glance(*self.LINES)
        self.patch('glance_store._drivers.rbd.Store.configure_add', None)
        register.install(conf)
        self.assertNotIn('without progress', self.log.output)
        self.assertEqual({'rbd_progress'}, {
            location.SCHEME_TO_CLS_BACKEND_MAP['rbd'][name]['store_entry']
            for name in ('a', 'b')})

    def test_one_that_is_away(self):
        def away(driver):
            if driver.backend_group == 'a':
                raise exceptions.BadStoreConfiguration(
                    store_name='a', reason='away')

        self.patch('glance_store._drivers.rbd.Store._set_url_prefix', away)
        register.install(self.a_glance(*self.LINES))
        self.assertNotIn('without progress', self.log.output)
        writes = capabilities.BitMasks.WRITE_ACCESS
        for name in 'a', 'b':
            found = glance_store.get_store_from_store_identifier(name)
            self.assertIsInstance(found, store.Store)
            self.assertEqual(name == 'b', found.is_capable(writes))

    def test_one_that_glance_could_not_make(self):
        conf = self.a_glance(*self.LINES)
        del location.SCHEME_TO_CLS_BACKEND_MAP['rbd']['a']
        register.install(conf)
        self.assertNotIn('a', location.SCHEME_TO_CLS_BACKEND_MAP['rbd'])
        self.assertNotIn('without progress', self.log.output)

    def test_fault(self):
        conf = self.a_glance(*self.LINES)
        self.patch(
            'glance_progress.driver.store.Store.configure_progress', None)
        for _ in range(2):
            register.install(conf)
            self.assertEqual(
                rbd.Store,
                type(glance_store.get_store_from_store_identifier('a')))
        self.assertEqual(1, self.log.output.count('without progress'))

    def test_tries_again(self):
        conf = self.a_glance(*self.LINES)
        parent = os.path.dirname(self.directory)
        os.rename(parent, parent + '.away')
        with open(parent, 'w'):
            pass
        for _ in range(2):
            register.install(conf)
        self.assertEqual(1, self.log.output.count('without progress'))
        os.unlink(parent)
        os.rename(parent + '.away', parent)
        self.assertEqual(store.Store, self.types()['a'])
        register.install(conf)
        self.assertEqual(staging.Store, self.types()[wire.STAGING_STORE])

    def test_once(self):
        conf = self.a_glance(*self.LINES)
        register.install(conf)
        self.patch('glance_progress.driver.register._ours', None)
        register.install(conf)
        self.assertNotIn('without progress', self.log.output)


class TestOne(TestCase):

    def type(self):
        return type(glance_store.get_store_from_scheme('rbd'))

    def test_rbd(self):
        conf = self.a_glance('[glance_store]', 'stores = file,rbd')
        self.assertEqual(rbd.Store, self.type())
        register.install(conf)
        for _ in range(2):
            self.assertEqual(store.Store, self.type())
        self.assertNotIn('without progress', self.log.output)

    def test_that_shall_stay(self):
        conf = self.a_glance('[glance_progress]', 'stock_stores = rbd',
                             '[glance_store]', 'stores = file,rbd')
        register.install(conf)
        self.assertEqual(rbd.Store, self.type())

    def test_none_in_ceph(self):
        conf = self.a_glance('[glance_store]', 'stores = file')
        register.install(conf)
        self.assertNotIn('rbd', location.SCHEME_TO_CLS_MAP)
        self.assertNotIn('without progress', self.log.output)
