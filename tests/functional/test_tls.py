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

"""Records in a memcached that speaks TLS."""

from __future__ import annotations

import io

from oslo_config import cfg

from glance_progress.records import memcached
from glance_progress.records import wire
from tests.functional import base
from tests.functional import tls_memcached


class TlsTest(base.TestCase):

    def setUp(self) -> None:
        super().setUp()
        self.server = self.useFixture(tls_memcached.Fixture()).server

    def upload(
        self, patience: float = 2, **options: object
    ) -> wire.Record | None:
        conf = self.conf(self.server.address, **options)
        image_id = self.image_id()
        self.store(conf).add(image_id, io.BytesIO(b'abc'), 3, 'sha512')
        self.read_conf = self.conf(self.server.address, **self.good())
        try:
            return self.wait_for(
                lambda: self.record(self.read_conf, image_id), patience)
        except AssertionError:
            return None

    def good(self) -> dict[str, object]:
        return self.server.options

    def test_both_certificates(self) -> None:
        record = self.upload(60, **self.good())
        self.assertEqual(3, record.total_bytes)

    def test_inherited_with_the_server(self) -> None:
        inherited = {name.replace('memcached_', 'memcache_'): value
                     for name, value in self.server.options.items()}
        path = self.conf_file(keystone_authtoken={
            'memcached_servers': 'inet:' + self.server.address, **inherited})
        conf = cfg.ConfigOpts()
        conf(args=[], default_config_files=[str(path)])
        client = memcached.from_conf(conf)
        self.assertEqual([], client.set_many({'inherited': b'1'}, 60))
        self.assertEqual([{'inherited': b'1'}],
                         client.get_many(['inherited']))

    def test_server_that_nobody_vouches_for(self) -> None:
        self.assertIsNone(self.upload(
            **{**self.good(), 'memcached_tls_cafile': ''}))

    def test_no_certificate_of_the_client(self) -> None:
        self.assertIsNone(self.upload(
            **{**self.good(), 'memcached_tls_certfile': '',
               'memcached_tls_keyfile': ''}))

    def test_plain_text_to_it(self) -> None:
        self.assertIsNone(self.upload())
