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

from oslo_config import cfg
from oslo_config import generator

from glance_progress import opts
from glance_progress import section
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
            self.assertIn('\n#%s =' % opt.name, sample.getvalue())

    def test_register_twice(self):
        conf = self.config()
        for _ in range(2):
            self.assertEqual(
                1.0, section.of(conf, opts.OPTS).update_interval)


class TestCheck(base.TestCase):

    def given(self, *lines):
        return self.config('\n'.join(('[glance_progress]',) + lines))

    def test_defaults(self):
        conf = self.config()
        opts.check(conf)
        self.assertEqual(
            {'memcached_servers': None, 'memcached_connect_timeout': 0.3,
             'memcached_timeout': 0.5, 'memcached_tls_enabled': None,
             'memcached_tls_cafile': None, 'memcached_tls_certfile': None,
             'memcached_tls_keyfile': None, 'update_interval': 1.0,
             'writes_in_flight': 3,
             'stalled_after': 60.0, 'record_ttl': 86400,
             'record_secrets': None,
             'stock_stores': [], 'honor_base_image_ref': True,
             'location_check': 'enforce', 'location_consumers': None,
             'legacy_keys': True, 'legacy_ttl': 86400},
            dict(conf.glance_progress))

    def test_bounds(self):
        opts.check(self.given(
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
                ValueError, opts.check, self.given('%s = %s' % (name, value)))
            self.assertIn(name, str(exc))
            self.assertIn(value, str(exc))

    def test_nothing_given(self):
        for option in opts.OPTS:
            if option.default is None or not isinstance(
                    option.type, (section.Float, section.Integer)):
                continue
            exc = self.assertRaises(
                ValueError, opts.check, self.given(option.name + ' ='))
            self.assertIn(option.name, str(exc))

    def test_reference_to_what_is_not_there(self):
        for name, value in (('memcached_servers', 'missing'),
                            ('update_interval', 'missing'),
                            ('legacy_keys', 'missing'),
                            ('record_ttl', 'record_ttl')):
            exc = self.assertRaises(
                ValueError, opts.check, self.given(
                    '%s = $%s' % (name, value)))
            self.assertIn(name, str(exc))

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
                ValueError, opts.check, self.given('%s = %s' % (name, value)))
            self.assertIn(name, str(exc))
            self.assertIn('equal to ' + bound, str(exc))

    def test_stalled_after_and_update_interval(self):
        for value in ('5', '4'):
            exc = self.assertRaises(
                ValueError, opts.check,
                self.given('stalled_after = ' + value, 'update_interval = 5'))
            self.assertIn('stalled_after = %s.0' % value, str(exc))
            self.assertIn('update_interval = 5.0', str(exc))

    def test_stock_stores(self):
        self.check_stock_stores('rbd')
        self.check_stock_stores('a, b', 'a:rbd,b:rbd')
        for value, backends, known in (('a', None, 'there is rbd'),
                                       ('rbd', 'a:rbd,b:file', 'is a, b')):
            exc = self.assertRaises(
                ValueError, self.check_stock_stores, value, backends)
            self.assertIn('stock_stores: there is no store %r' % value,
                          str(exc))
            self.assertIn(known, str(exc))

    def check_stock_stores(self, value, backends=None):
        conf = self.given(
            'stock_stores = ' + value, '[DEFAULT]',
            *(['enabled_backends = ' + backends] if backends else []))
        conf.register_opt(cfg.DictOpt('enabled_backends'))
        opts.check(conf)

    def test_certificate_and_key_go_together(self):
        for name in ('memcached_tls_certfile', 'memcached_tls_keyfile'):
            exc = self.assertRaises(
                ValueError, opts.check, self.given(name + ' = /x.pem'))
            self.assertIn(name + ' = /x.pem', str(exc))
        both = ('memcached_tls_certfile = /x.pem',
                'memcached_tls_keyfile = /x.key')
        opts.check(self.given(*both))
        # They are read where they are used.
        exc = self.assertRaises(ValueError, opts.check, self.given(
            'memcached_tls_enabled = true', *both))
        self.assertIn('memcached_tls_certfile = /x.pem', str(exc))
