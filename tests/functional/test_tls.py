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

"""memcached that speaks TLS and asks for the client's certificate."""

from __future__ import annotations

import io
import pathlib
import ssl
import subprocess
import tempfile

from allinone.daemons import memcached
from glance_progress.records import wire
from tests.functional import base
from tests.functional import services


class TlsMemcached(memcached.Memcached):

    def __init__(self, certificate: pathlib.Path, key: pathlib.Path) -> None:
        super().__init__(services.directory(), name='memcached-tls')
        self._files = {'ssl_chain_cert': certificate, 'ssl_key': key,
                       'ssl_ca_cert': certificate, 'ssl_verify_mode': 2}

    def command(self) -> list[str]:
        options = ['%s=%s' % item for item in self._files.items()]
        return [*super().command(), '-Z', '-o', ','.join(options)]

    def ready(self) -> bool:
        try:
            ssl.get_server_certificate(('127.0.0.1', self.port), timeout=2)
        except ssl.SSLError:
            return True  # it wants to see a certificate, so it is there
        except OSError:
            return False
        return True


class TlsTest(base.TestCase):

    def setUp(self) -> None:
        super().setUp()
        # nobody, the user of memcached, has to read it
        directory = pathlib.Path(tempfile.mkdtemp(prefix='gp-tls-'))
        self.addCleanup(subprocess.run, ['rm', '-r', directory])
        directory.chmod(0o755)
        self.certificate = directory / 'certificate.pem'
        self.key = directory / 'key.pem'
        subprocess.run(
            ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
             'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1',
             '-subj', '/CN=memcached', '-addext',
             'subjectAltName=IP:127.0.0.1', '-out', self.certificate,
             '-keyout', self.key],
            check=True, capture_output=True)
        self.key.chmod(0o644)
        self.server = TlsMemcached(self.certificate, self.key)
        self.addCleanup(self.server.stop)
        self.server.start()
        self.server.wait_ready()

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
        return {'memcached_tls_enabled': True,
                'memcached_tls_cafile': self.certificate,
                'memcached_tls_certfile': self.certificate,
                'memcached_tls_keyfile': self.key}

    def test_both_certificates(self) -> None:
        record = self.upload(60, **self.good())
        self.assertEqual(3, record.total_bytes)

    def test_server_that_nobody_vouches_for(self) -> None:
        self.assertIsNone(self.upload(
            **{**self.good(), 'memcached_tls_cafile': ''}))

    def test_no_certificate_of_the_client(self) -> None:
        self.assertIsNone(self.upload(
            **{**self.good(), 'memcached_tls_certfile': '',
               'memcached_tls_keyfile': ''}))

    def test_plain_text_to_it(self) -> None:
        self.assertIsNone(self.upload())
