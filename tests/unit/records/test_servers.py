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

AUTHTOKEN = '[keystone_authtoken]'


class TestCase(base.TestCase):

    def of(self, *lines):
        conf = self.config('\n'.join(lines))
        options.check(conf)
        return servers.of(conf)

    def servers(self, *lines):
        """Return the addresses, where nothing is to be said of them."""
        found = self.of(*lines)
        self.assertIsNone(found.problem)
        return list(found.addresses)

    def problem(self, *lines):
        """Return what is wrong with what is in [keystone_authtoken]."""
        found = self.of(AUTHTOKEN, *lines)
        self.assertEqual((), found.addresses)
        self.assertIsNone(found.tls_context)
        self.assertIn('[glance_progress] memcached_servers', found.problem)
        return found.problem


class TestServers(TestCase):

    def test_default(self):
        self.assertEqual(['127.0.0.1:11211'], self.servers())
        self.assertEqual(['127.0.0.1:11211'], self.servers(
            AUTHTOKEN, 'memcached_servers =', 'memcache_sasl_enabled = true'))

    def test_own(self):
        self.assertEqual(
            ['a', 'b:1', '[::1]:11211'],
            self.servers('[glance_progress]',
                         'memcached_servers = a, b:1 ,inet6:[::1]:11211'))
        exc = self.assertRaises(
            ValueError, self.servers,
            '[glance_progress]', 'memcached_servers = good, a:1;b:2')
        self.assertIn('memcached_servers', str(exc))
        self.assertIn('a:1;b:2', str(exc))

    def test_of_keystone_authtoken(self):
        for name in ('memcached_servers', 'memcache_servers'):
            self.assertEqual(
                ['[::1]:11211', 'b:2', 'c', '/run/m'],
                self.servers(AUTHTOKEN, name + ' = inet6:[::1]:11211, b:2,,\n'
                             '  inet:c,/run/m'))

    def test_references(self):
        for text in ('$my_ip:1', '${my_ip}:1', '${DEFAULT.my_ip}:1',
                     '${other.host}:1', '${other.same}:1'):
            self.assertEqual(['192.0.2.1:1', 'b:2'], self.servers(
                '[DEFAULT]', 'my_ip = 192.0.2.1',
                '[other]', 'host = 192.0.2.1', 'same = $my_ip',
                AUTHTOKEN, 'memcached_servers = %s, b:2' % text), text)

    def test_reference_to_an_option_of_the_service(self):
        """Of which the file says nothing, so that its default counts."""
        conf = self.config(AUTHTOKEN + '\nmemcached_servers = '
                           '$bind_host:1,${other.host}:2')
        conf.register_opt(cfg.StrOpt('bind_host', default='h'))
        conf.register_opt(cfg.StrOpt('host', default='i'), group='other')
        self.assertEqual(('h:1', 'i:2'), servers.of(conf).addresses)

    def test_reference_to_nothing(self):
        for name in ('my_ip', 'other.host', 'memcached_servers.x'):
            self.assertIn('refers to $%s, which is not set' % name,
                          self.problem('memcached_servers = ${%s}:1' % name))
        for text in '$memcached_servers', '$keystone_authtoken':
            self.problem('memcached_servers = ' + text)

    def test_own_before_those_of_keystone_authtoken(self):
        self.assertEqual(
            ['a:1'],
            self.servers('[glance_progress]', 'memcached_servers = a:1',
                         AUTHTOKEN, 'memcached_servers = b:x',
                         'memcache_tls_enabled = perhaps'))

    def test_wrong_in_keystone_authtoken(self):
        self.assertIn('b:x names no memcached server',
                      self.problem('memcached_servers = b:x'))
        found = self.of(AUTHTOKEN, 'memcached_servers = b:x, a:1')
        self.assertEqual(('a:1',), found.addresses)
        self.assertIn("'b:x'", found.problem)

    def test_login(self):
        problem = self.problem(
            'memcached_servers = a:1', 'memcache_sasl_enabled = True',
            'memcache_username = u', 'memcache_password = hunter2')
        self.assertIn('memcache_sasl_enabled = True', problem)
        self.assertNotIn('hunter2', problem)

    def test_of_a_directory(self):
        path = self.useFixture(fixtures.TempDir()).path
        with open(os.path.join(path, 'a.conf'), 'w') as file:
            file.write('[keystone_authtoken]\nmemcached_servers = d:1\n')
        conf = cfg.ConfigOpts()
        conf(args=[], default_config_files=[], default_config_dirs=[path])
        options.check(conf)
        self.assertEqual(('d:1',), servers.of(conf).addresses)


class TestTls(TestCase):

    INHERITED = (AUTHTOKEN, 'memcached_servers = a:1',
                 'memcache_tls_enabled = true')

    def test_inherited_with_the_servers(self):
        self.assertIsNotNone(self.of(*self.INHERITED).tls_context)
        self.assertIsNone(self.of(AUTHTOKEN, 'memcached_servers = a:1'
                                  ).tls_context)
        # keystonemiddleware's other pool does not know of it.
        self.assertIsNone(self.of(
            *self.INHERITED, 'memcache_use_advanced_pool = false').tls_context)

    def test_not_without_the_servers(self):
        for own in 'memcached_servers = b:1', 'memcached_tls_enabled = false':
            self.assertIsNone(self.of(
                '[glance_progress]', own, *self.INHERITED).tls_context, own)
        self.assertIsNone(self.of(
            AUTHTOKEN, 'memcache_tls_enabled = true').tls_context)

    def test_own_with_inherited_servers(self):
        found = self.of('[glance_progress]', 'memcached_tls_enabled = true',
                        AUTHTOKEN, 'memcached_servers = a:1')
        self.assertIsNotNone(found.tls_context)

    def test_options_are_those_of_keystonemiddleware(self):
        found = self.of(*self.INHERITED,
                        'memcache_tls_allowed_ciphers = AES128-GCM-SHA256')
        self.assertIn('AES128-GCM-SHA256', {
            cipher['name'] for cipher in found.tls_context.get_ciphers()})

    def test_what_cannot_be_used(self):
        for line in ('memcache_tls_cafile = /missing.pem',
                     'memcache_tls_certfile = /missing.pem',
                     'memcache_tls_allowed_ciphers = none-such'):
            self.assertIn(line, self.problem(*self.INHERITED[1:], line))
        self.assertIn('memcache_tls_enabled', self.problem(
            'memcached_servers = a:1', 'memcache_tls_enabled = perhaps'))
