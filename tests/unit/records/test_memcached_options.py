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

"""The client of memcached that the options ask for."""

import os

import fixtures

from glance_progress import fixture
from glance_progress.records import memcached
from glance_progress.records import options
from tests.unit import base


class TestFromConf(base.TestCase):

    def test_options(self):
        conf = self.config(
            '[glance_progress]\n'
            'memcached_servers = a:1,unix:/run/m\n'
            'memcached_connect_timeout = 0.11\n'
            'memcached_timeout = 0.22\n')
        client = memcached.from_conf(conf)
        self.assertEqual(['a:1', '/run/m'], [s.name for s in client.servers])
        pooled = client.servers[0]._client
        self.assertEqual((0.11, 0.22), (
            pooled.connect_timeout, pooled.timeout))
        self.assertIsNone(pooled.tls_context)

    def test_servers_that_cannot_be_used(self):
        self.useFixture(fixture.Process())
        conf = self.config('[keystone_authtoken]\nmemcached_servers = a:1\n'
                           'memcache_sasl_enabled = true\n')
        for _ in range(2):
            client = memcached.get(conf)
        self.assertEqual(['k'], client.set_many({'k': b'v'}, 60))
        self.assertIsNone(client.add('k', b'v', 60))
        self.assertEqual([], client.get_many(['k']))
        self.assertEqual(1, self.log.output.count('memcache_sasl_enabled'))

    def test_shared_in_the_process(self):
        self.useFixture(fixture.Process())
        conf = self.config()
        shared = memcached.get(conf)
        self.assertIsInstance(shared, memcached.Memcached)
        self.assertIs(shared, memcached.get(conf))

    def test_configured_again(self):
        """As glance-api's script does it when it gets SIGHUP."""
        self.useFixture(fixture.Process())

        def configured(servers):
            conf = self.config(
                '[glance_progress]\nmemcached_servers = ' + servers)
            memcached.configure(conf)
            return memcached.get(conf)

        first = configured('127.0.0.1:1')
        self.assertIs(first, configured('127.0.0.1:1'))
        second = configured('127.0.0.1:2')
        self.assertEqual(
            ['127.0.0.1:2'], [server.name for server in second.servers])
        self.assertIs(second, configured('127.0.0.1:2'))


class TestTls(base.TestCase):

    def from_conf(self, *lines):
        conf = self.config('\n'.join(
            ('[glance_progress]', 'memcached_tls_enabled = true') + lines))
        options.check(conf)
        return memcached.from_conf(conf)

    def garbage(self):
        path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'garbage.pem')
        with open(path, 'w') as file:
            file.write('no certificate')
        return path

    def test_missing_files_are_named(self):
        for wrong in ('/missing/file', self.garbage()):
            for lines in (
                ['memcached_tls_cafile = ' + wrong],
                ['memcached_tls_certfile = ' + wrong,
                 'memcached_tls_keyfile = ' + wrong],
            ):
                exc = self.assertRaises(ValueError, self.from_conf, *lines)
                for line in lines:
                    self.assertIn(line, str(exc))

    def test_files_of_the_system(self):
        hello = []
        server = self.useFixture(
            base.Server(lambda stream: hello.append(stream.read(2))))
        client = self.from_conf('memcached_servers = ' + server.address)
        self.assertEqual([], client.get_many(['a']))
        self.assertEqual(b'\x16\x03', hello[0])  # RFC 8446, 5.1
