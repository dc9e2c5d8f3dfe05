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

import pathlib
import ssl
import subprocess
import tempfile

import fixtures

from allinone.daemons import memcached
from tests.functional import services


class TlsMemcached(memcached.Memcached):

    def __init__(self, certificate: pathlib.Path, key: pathlib.Path) -> None:
        super().__init__(services.directory(), name='memcached-tls')
        self._files = {'ssl_chain_cert': certificate, 'ssl_key': key,
                       'ssl_ca_cert': certificate, 'ssl_verify_mode': 2}
        #: Options of [glance_progress] by which it can be talked to.
        self.options: dict[str, object] = {
            'memcached_tls_enabled': True,
            'memcached_tls_cafile': certificate,
            'memcached_tls_certfile': certificate,
            'memcached_tls_keyfile': key}

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


class Fixture(fixtures.Fixture):
    """Runs one, with a certificate of its own that both sides show."""

    def _setUp(self) -> None:
        # nobody, the user of memcached, has to read it
        directory = pathlib.Path(tempfile.mkdtemp(prefix='gp-tls-'))
        self.addCleanup(subprocess.run, ['rm', '-r', directory])
        directory.chmod(0o755)
        certificate = directory / 'certificate.pem'
        key = directory / 'key.pem'
        subprocess.run(
            ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
             'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1',
             '-subj', '/CN=memcached', '-addext',
             'subjectAltName=IP:127.0.0.1', '-out', certificate,
             '-keyout', key],
            check=True, capture_output=True)
        key.chmod(0o644)
        self.server = TlsMemcached(certificate, key)
        self.addCleanup(self.server.stop)
        self.server.start()
        self.server.wait_ready()
