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
from oslo_config import cfg

from glance_progress.records import options
from glance_progress.records import servers
from tests.unit import base


class TestServers(base.TestCase):

    def servers(self, *lines):
        conf = self.config('\n'.join(lines))
        options.check(conf)
        return servers.of(conf)

    def test_default(self):
        self.assertEqual(['127.0.0.1:11211'], self.servers())

    def test_spellings(self):
        self.assertEqual(
            ['a', 'b:1', '192.0.2.1:65535', '[2001:db8::1]:11211', '[::1]',
             '[fe80::1%eth0]:1', 'unix:/run/m.sock', '/run/n.sock'],
            self.servers(
                '[glance_progress]',
                'memcached_servers = a, b:1 ,192.0.2.1:65535,'
                'inet6:[2001:db8::1]:11211,[::1],[fe80::1%eth0]:1,'
                'unix:/run/m.sock,/run/n.sock'))

    def test_wrong_spellings(self):
        for wrong in (
            ':1', 'a:', 'a:0', 'a:65536', 'a:-1', 'a:x', '[]:1', 'a b:1',
            'http://a:1', 'u@a:1', 'unix:relative', 'a:1;b:2',
            # no telling where the address ends
            '::1', '2001:db8::1:11211', 'inet6:::1', '[::1',
        ):
            exc = self.assertRaises(
                ValueError, self.servers,
                '[glance_progress]', 'memcached_servers = good, ' + wrong)
            self.assertIn('memcached_servers', str(exc))
            self.assertIn(wrong, str(exc))

    def test_of_keystone_authtoken(self):
        for name in ('memcached_servers', 'memcache_servers'):
            self.assertEqual(
                ['[::1]:11211', 'b:2'],
                self.servers('[keystone_authtoken]',
                             name + ' = inet6:[::1]:11211, b:2'))

    def test_own_before_those_of_keystone_authtoken(self):
        self.assertEqual(
            ['a:1'],
            self.servers('[glance_progress]', 'memcached_servers = a:1',
                         '[keystone_authtoken]', 'memcached_servers = b:x'))

    def test_wrong_in_keystone_authtoken(self):
        exc = self.assertRaises(
            ValueError, self.servers,
            '[keystone_authtoken]', 'memcached_servers = b:x')
        self.assertIn("'b:x' is no memcached server", str(exc))

    def test_of_a_directory(self):
        path = self.useFixture(fixtures.TempDir()).path
        with open(os.path.join(path, 'a.conf'), 'w') as file:
            file.write('[keystone_authtoken]\nmemcached_servers = d:1\n')
        conf = cfg.ConfigOpts()
        conf(args=[], default_config_files=[], default_config_dirs=[path])
        options.check(conf)
        self.assertEqual(['d:1'], servers.of(conf))
