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
import os

import fixtures
from oslo_config import cfg
from oslo_config import generator

from glance_progress import opts
from tests.unit import base


class TestListOpts(base.TestCase):

    def test_entry_point(self):
        found = [entry for entry in metadata.distribution(
            'glance-progress').entry_points
            if entry.group == 'oslo.config.opts'
            and entry.name == 'glance_progress']
        self.assertEqual(
            [('glance_progress', opts.OPTS)], found[0].load()())

    def test_every_option_is_documented(self):
        for opt in opts.OPTS:
            self.assertTrue(opt.help.strip(), opt.name)

    def test_sample(self):
        conf = cfg.ConfigOpts()
        generator.register_cli_opts(conf)
        conf(['--namespace', 'glance_progress'])
        sample = io.StringIO()
        generator.generate(conf, sample)
        for opt in opts.OPTS:
            self.assertIn('\n#%s = ' % opt.name, sample.getvalue())

    def test_register_twice(self):
        conf = self.config()
        opts.register(conf)
        opts.register(conf)
        self.assertEqual(1.0, conf.glance_progress.update_interval)


class TestCheck(base.TestCase):

    def ours(self, *lines):
        return self.config('\n'.join(('[glance_progress]',) + lines))

    def test_defaults(self):
        conf = self.config()
        opts.check(conf)
        self.assertEqual(
            {'memcached_servers': None, 'memcached_connect_timeout': 0.3,
             'memcached_timeout': 0.5, 'memcached_tls_enabled': False,
             'memcached_tls_cafile': None, 'memcached_tls_certfile': None,
             'memcached_tls_keyfile': None, 'update_interval': 1.0,
             'writes_in_flight': 3,
             'stalled_after': 60.0, 'record_ttl': 86400,
             'record_secrets': None,
             'honor_base_image_ref': True,
             'location_check': 'enforce', 'location_consumers': None,
             'legacy_keys': True, 'legacy_ttl': 86400},
            dict(conf.glance_progress))

    def test_bounds(self):
        opts.check(self.ours(
            'memcached_connect_timeout = 0.01', 'memcached_timeout = 10',
            'update_interval = 60', 'stalled_after = 86400',
            'record_ttl = 2592000', 'legacy_ttl = 60'))

    def test_wrong_values(self):
        for name, value in (
            ('memcached_connect_timeout', 'soon'),
            ('memcached_timeout', 'nan'),
            ('stalled_after', 'nan'),
            ('memcached_tls_enabled', 'maybe'),
            ('legacy_keys', 'perhaps'),
            ('record_ttl', '1.5'),
            ('memcached_servers', 'a:b'),
        ):
            exc = self.assertRaises(
                ValueError, opts.check, self.ours('%s = %s' % (name, value)))
            self.assertIn(name, str(exc))
            self.assertIn(value, str(exc))

    def test_out_of_range(self):
        for name, value, bound in (
            ('memcached_connect_timeout', '0', '0.01'),
            ('memcached_connect_timeout', '10.1', '10'),
            ('memcached_timeout', '0', '0.01'),
            ('memcached_timeout', 'inf', '10'),
            ('update_interval', '0.09', '0.1'),
            ('update_interval', '60.1', '60'),
            ('stalled_after', '0.9', '1'),
            ('stalled_after', '86401', '86400'),
            ('record_ttl', '59', '60'),
            ('record_ttl', '2592001', '2.592e+06'),
            ('legacy_ttl', '-1', '60'),
            ('legacy_ttl', '2592001', '2.592e+06'),
        ):
            exc = self.assertRaises(
                ValueError, opts.check, self.ours('%s = %s' % (name, value)))
            self.assertIn(name, str(exc))
            self.assertIn('equal to ' + bound, str(exc))

    def test_stalled_after_and_update_interval(self):
        for value in ('5', '4'):
            exc = self.assertRaises(
                ValueError, opts.check,
                self.ours('stalled_after = ' + value, 'update_interval = 5'))
            self.assertIn('stalled_after = %s.0' % value, str(exc))
            self.assertIn('update_interval = 5.0', str(exc))

    def test_certificate_and_key_go_together(self):
        for name in ('memcached_tls_certfile', 'memcached_tls_keyfile'):
            exc = self.assertRaises(
                ValueError, opts.check, self.ours(name + ' = /x.pem'))
            self.assertIn(name + ' = /x.pem', str(exc))
        opts.check(self.ours('memcached_tls_certfile = /x.pem',
                             'memcached_tls_keyfile = /x.key'))


class TestMemcachedServers(base.TestCase):

    def servers(self, *lines):
        conf = self.config('\n'.join(lines))
        opts.check(conf)
        return opts.memcached_servers(conf)

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
        opts.check(conf)
        self.assertEqual(['d:1'], opts.memcached_servers(conf))
