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

import io
import os
from unittest import mock

import fixtures
import glance_store
from glance_store import location
from oslo_config import cfg

from glance_progress.driver import staging
from glance_progress import fixture
from glance_progress.records import wire
from tests.unit import base


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        for name, value in (
                ('glance_store.location.SCHEME_TO_CLS_BACKEND_MAP', {}),
                ('glance_store.multi_backend._RESERVED_STORES', {})):
            self.patch(name, value)
        self.useFixture(fixture.Process())

    def a_glance(self, *lines):
        """Load the stores of a Glance."""
        self.directory = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'staging')
        conf = self.config('\n'.join((
            '[DEFAULT]', *lines,
            '[%s]' % wire.STAGING_STORE,
            'filesystem_store_datadir = ' + self.directory)))
        conf.register_opt(cfg.DictOpt('enabled_backends'))
        for module in 'multi_backend', 'driver':
            self.patch('glance_store.%s.CONF' % module, conf)
        if conf.enabled_backends:
            reserved = {wire.STAGING_STORE: 'file'}
            glance_store.register_store_opts(conf, reserved)
            glance_store.create_multi_stores(conf, reserved)
        return conf

    def stores(self):
        """Return the type of the store of each scheme."""
        return {scheme: type(stores[wire.STAGING_STORE]['store'])
                for scheme, stores
                in location.SCHEME_TO_CLS_BACKEND_MAP.items()
                if wire.STAGING_STORE in stores}


class TestSource(TestCase):

    def add(self, size):
        """Stage 3 bytes, of which *size* is known, and return the record."""
        server = self.useFixture(base.Server())
        conf = self.a_glance(
            'enabled_backends = web:http', '[glance_progress]',
            'memcached_servers = ' + server.address)
        staging.replace(conf)
        store = glance_store.get_store_from_store_identifier(
            wire.STAGING_STORE)
        told = []
        self.patch('glance_progress.records.publisher.Publisher.post',
                   lambda own, record, urgent=False: told.append(record))
        store.add(base.IMAGE, io.BytesIO(b'abc'), size, 'md5')
        return told[0]

    def test_what_glance_has_learnt_elsewhere(self):
        context = mock.Mock(request_id='req-1')
        with staging.from_source(3, context) as source:
            self.assertFalse(source.begun)
            told = self.add(0)
            self.assertEqual((3, 'req-1'), (told.total_bytes, told.request_id))
            self.assertTrue(source.begun)

    def test_what_glance_says_itself(self):
        with staging.from_source(7, None):
            self.assertEqual(3, self.add(3).total_bytes)

    def test_a_client(self):
        with staging.from_source(7, mock.Mock(request_id='req-1')):
            pass
        told = self.add(0)
        self.assertEqual((None, None), (told.total_bytes, told.request_id))
