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

import contextlib
import inspect
import io
import json
import os
import re
import subprocess
import sys

import fixtures

from oslo_config import cfg

from glance_progress.cmd.checks import locations
from glance_progress.cmd import status
from glance_progress.locations import facts
from glance_progress.locations import rule
from tests.unit import base

SECRET = 'hunter2'

NOVA = """
[DEFAULT]
transport_url = rabbit://nova:%(s)s@127.0.0.1
[service_user]
send_service_user_token = true
auth_type = password
auth_url = http://127.0.0.1:1/
username = nova
password = %(s)s
[libvirt]
images_type = rbd
""" % {'s': SECRET}


GLANCE = """
[DEFAULT]
enabled_backends = ceph:rbd_progress
worker_self_reference_url = http://192.0.2.1:9292
[glance_store]
default_backend = ceph
"""


class TestMain(base.TestCase):

    def setUp(self):
        super().setUp()
        self.directory = self.useFixture(fixtures.TempDir()).path
        self.glance = facts.Glance(True, False, 'new-api', 33)
        # Glance need not be there, so that its options are not known either.
        self.patch('glance_progress.cmd.checks.locations.policies',
                   lambda: None)
        self.patch('glance_progress.cmd.checks.locations.glance',
                   lambda conf: self.glance)
        self.patch('glance_progress.ceph.bindings.missing', lambda: None)
        self.glance_conf = self.file(GLANCE, 'glance-api.conf')
        self.file('[app:apiv2app]\npaste.app_factory = '
                  'glance_progress.api:API.factory\n', 'glance-api-paste.ini')

    def file(self, text, name='nova.conf'):
        path = os.path.join(self.directory, name)
        with open(path, 'w') as file:
            file.write(text)
        return path

    def run_main(self, *args):
        return self.run_status('--config-file', self.glance_conf, 'check',
                               '--offline', *args)

    def run_status(self, *args):
        conf = cfg.ConfigOpts()
        conf.register_opt(cfg.DictOpt('enabled_backends'))
        self.patch('oslo_config.cfg.CONF', conf)
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = status.main(args)
            except SystemExit as exc:
                code = exc.code
        self.out, self.err = out.getvalue(), err.getvalue()
        self.assertNotIn(SECRET, self.out + self.err)
        self.assertNotIn('rabbit', self.out + self.err)
        return code

    def run_nova(self, text, *args):
        return self.run_main('--nova-conf', self.file(text), *args)

    def test_success(self):
        self.assertEqual(0, self.run_nova(NOVA, '--nova-release', '2026.2'))
        self.assertIn('Result: Success', self.out)
        self.assertIn('Not checked without --cinder-conf.', self.out)

    def test_options_before_and_after(self):
        nova = ['--nova-conf', self.file(NOVA), '--nova-release', '31']
        for args in ([*nova, 'check', '--json'], ['--json', 'check', *nova],
                     ['--json', *nova, 'check']):
            self.assertEqual(2, self.run_status(
                '--config-file', self.glance_conf, '--offline', *args))
            self.assertEqual(1, len(json.loads(self.out)['findings']))
        for args in ([], ['look'], ['check', 'check']):
            self.assertEqual(255, self.run_status(*args))

    def test_files_before_and_after(self):
        more = self.file('[glance_progress]\nrecord_ttl = never\n', 'b.conf')
        for before, after in ([self.glance_conf, more],
                              [more, self.glance_conf]):
            self.assertEqual(2, self.run_status(
                '--config-file', before, 'check', '--config-file', after,
                '--offline'))

    def test_wrong_options(self):
        for line in ('record_ttl = never', 'memcached_servers = a:b',
                     'memcached_tls_enabled = true\n'
                     'memcached_tls_cafile = /missing.pem',
                     'location_check = perhaps'):
            self.file(GLANCE + '[glance_progress]\n' + line, 'glance-api.conf')
            self.assertEqual(2, self.run_main('--json'), line)
            check = json.loads(self.out)['checks'][0]
            self.assertEqual('Options of [glance_progress]', check['check'])
            self.assertIn('glance-api does not start', check['details'])
            for word in line.splitlines()[-1].split():
                self.assertIn(word, check['details'])

    def test_what_keystonemiddleware_takes_is_not_wrong(self):
        self.file(GLANCE + '[keystone_authtoken]\nmemcached_servers = a:1\n'
                  'memcache_sasl_enabled = true', 'glance-api.conf')
        self.assertEqual(2, self.run_main('--json'))
        failed, = (check for check in json.loads(self.out)['checks']
                   if check['result'])
        self.assertEqual('memcached', failed['check'])
        self.assertIn('memcache_sasl_enabled', failed['details'])

    def test_no_bindings(self):
        self.patch('glance_progress.ceph.bindings.missing',
                   lambda: 'python3-rbd cannot be imported: why')
        self.assertEqual(2, self.run_main())
        self.assertIn('python3-rbd cannot be imported: why.', self.out)
        self.file(GLANCE.replace('rbd_progress', 'file'), 'glance-api.conf')
        self.assertEqual(1, self.run_main())
        self.assertIn('No store is in Ceph.', self.out)

    def test_no_store_of_ours(self):
        self.file('[DEFAULT]\nenabled_backends = a:file\n'
                  'worker_self_reference_url = http://a\n', 'glance-api.conf')
        self.assertEqual(1, self.run_main())
        self.assertIn('No upload shows progress', self.out)

    def test_warning(self):
        self.glance = facts.Glance(False, True, 'new-api', 33)
        self.assertEqual(1, self.run_main())
        self.assertIn('Result: Warning', self.out)

    def test_newer_than_known(self):
        for release in ('2027.1', '35', '40.0.0'):
            self.assertEqual(0, self.run_nova(NOVA, '--nova-release', release))
        self.assertEqual(1, self.run_nova('', '--nova-release', '2027.1'))
        self.assertIn('does not send the service token', self.out)

    def test_disks_that_are_not_in_ceph(self):
        self.glance = facts.Glance(True, False, None, 33)
        for images_type, code in (('rbd', 2), ('qcow2', 0), ('default', 0)):
            self.assertEqual(code, self.run_nova(
                '[libvirt]\nimages_type = ' + images_type,
                '--nova-release', '2025.1'), images_type)

    def test_directories(self):
        path = self.file('')
        directory = os.path.join(self.directory, 'nova.conf.d')
        os.mkdir(directory)
        with open(os.path.join(directory, 'user.conf'), 'w') as file:
            file.write(NOVA)
        for args in (('--nova-conf', path), ('--nova-conf-dir', directory)):
            self.assertEqual(0, self.run_main(
                *args, '--nova-release', '2026.2'), self.err)
        self.assertNotIn('Not checked without --nova-conf', self.out)
        self.assertEqual(255, self.run_main(
            '--nova-conf-dir', directory + '/none'))
        self.assertIn('/none', self.err)

    def test_failure(self):
        self.assertEqual(2, self.run_nova(NOVA, '--nova-release', '31'))
        self.assertIn('Result: Failure', self.out)
        self.assertIn('\n    [service_user]\n'
                      '    send_service_user_token = true\n', self.out)
        # Lines of a terminal, most of them.
        self.assertLess(max(map(len, self.out.splitlines())), 100)

    def test_json(self):
        self.assertEqual(2, self.run_nova(
            NOVA, '--nova-release', '31', '--json'))
        document = json.loads(self.out)
        self.assertEqual('Glance Progress Check Results', document['name'])
        self.assertEqual(
            {'Locations can be registered': 2},
            {check['check']: check['result'] for check in document['checks']
             if check['result']})
        finding, = document['findings']
        self.assertEqual('old-location-call-refused', finding['code'])
        self.assertEqual(2, finding['severity'])
        self.assertEqual(
            {'file': 'nova.conf', 'section': 'service_user',
             'option': 'send_service_user_token', 'value': 'true'},
            finding['remedies'][0]['lines'][1])

    def test_json_with_nothing_found(self):
        self.assertEqual(0, self.run_main('--json'))
        self.assertEqual([], json.loads(self.out)['findings'])

    def test_malformed_file(self):
        self.assertEqual(255, self.run_nova('[service_user]\n' + SECRET))
        self.assertIn('nova.conf is malformed, line 2', self.err)

    def test_dollar_in_a_password(self):
        self.assertEqual(255, self.run_nova(
            NOVA.replace('word = ' + SECRET, 'word = a$' + SECRET)))
        self.assertIn('write $$ for $', self.err)

    def test_missing_file(self):
        self.assertEqual(255, self.run_main('--nova-conf', '/nonexistent'))
        self.assertIn('/nonexistent', self.err)

    def test_not_utf_8(self):
        path = self.file('')
        with open(path, 'wb') as file:
            file.write(b'[DEFAULT]\na = \xff\n')
        self.assertEqual(255, self.run_main('--nova-conf', path))

    def test_wrong_value(self):
        self.assertEqual(255, self.run_nova(
            '[service_user]\nsend_service_user_token = perhaps\n'))
        self.assertIn('send_service_user_token', self.err)

    def test_unknown_release(self):
        self.assertEqual(255, self.run_nova(NOVA, '--nova-release', '2026.3'))
        self.assertIn('2026.3', self.err)

    def test_release_without_file(self):
        for project in ('nova', 'cinder'):
            self.assertEqual(255, self.run_main(
                '--%s-release' % project, '2026.2'))
            self.assertIn('needs --%s-conf' % project, self.err)

    def test_wrong_usage(self):
        self.assertEqual(255, self.run_main('--nonsense'))

    def test_outside_of_glances_environment(self):
        for name in ('oslo_upgradecheck', 'keystoneauth1'):
            done = subprocess.run(
                [sys.executable, '-c',
                 'import sys\nsys.modules["%s"] = None\n'
                 'from glance_progress.cmd import status as command\n'
                 'sys.exit(command.main(["check"]))' % name],
                stderr=subprocess.PIPE, text=True)
            self.assertEqual(255, done.returncode)
            self.assertIn(name, done.stderr)

    def test_a_bug_is_no_pass(self):
        def broken(*args, **kwargs):
            raise KeyError('bug')
        self.patch('glance_progress.locations.rule.findings', broken)
        self.assertEqual(255, self.run_main())
        self.assertIn('KeyError', self.err)

    def test_nobody_reads_on(self):
        """What was found is the exit status all the same."""
        path = self.file(NOVA)
        program = (
            'import sys\n'
            'from oslo_config import cfg\n'
            'from glance_progress.cmd.checks import bindings, locations\n'
            'from glance_progress.cmd import status\n'
            'from glance_progress.locations import facts\n'
            'cfg.CONF.register_opt(cfg.DictOpt("enabled_backends"))\n'
            'bindings.bindings.missing = lambda: None\n'
            'locations.policies = lambda: None\n'
            'locations.glance = lambda conf: facts.Glance('
            'True, False, "new-api", 33)\n'
            'sys.exit(status.main(sys.argv[1:]))')
        common = ['--config-file', self.glance_conf, '--offline']
        for args, code in (
            (['check', '--nova-conf', path, '--nova-release', '31'], 2),
            (['check', '--nova-conf', path, '--nova-release', '31',
              '--json'], 2), (['check'], 0), (['--help'], 0),
        ):
            done = base.with_output_closed(
                [sys.executable, '-W', 'ignore', '-c', program, *common,
                 *args])
            self.assertEqual((code, ''), (done.returncode, done.stderr))

    def test_each_code_belongs_to_a_check(self):
        codes = set(re.findall(
            r"'([a-z]+(?:-[a-z]+){2,3})'", inspect.getsource(rule)))
        self.assertEqual(7, len(codes))
        source = inspect.getsource(locations)
        for code in codes:
            self.assertEqual(1, source.count(repr(code)), code)
