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

"""Tests for ``glance-progress exporter``, up to where it serves."""

import io
import os
import subprocess
import sys

import fixtures

from glance_progress.cmd import progress
from tests.unit import base
from tests.unit import image_api


class TestExporter(base.TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.FakeLogger())
        for name in list(os.environ):
            if name.startswith('OS_'):
                self.useFixture(fixtures.EnvironmentVariable(name))
        # No clouds.yaml of the machine's.
        self.home = self.useFixture(fixtures.TempHomeDir()).path
        self.useFixture(fixtures.EnvironmentVariable(
            'OS_CLIENT_CONFIG_FILE', os.path.join(self.home, 'clouds.yaml')))
        self.stderr = io.StringIO()
        self.useFixture(fixtures.MonkeyPatch('sys.stderr', self.stderr))
        self.useFixture(fixtures.MonkeyPatch('signal.signal', self.signal))

    def signal(self, signum, handler):
        pass

    def run_command(self, *argv):
        try:
            return progress.main(['exporter', *argv])
        except SystemExit as exc:
            return exc.code

    def assert_refused(self, *texts, argv=()):
        self.assertEqual(255, self.run_command(*argv))
        for text in texts:
            self.assertIn(text, self.stderr.getvalue())

    def with_keystone(self, api, password='p'):
        for name, value in (
            ('AUTH_URL', api.url + '/v3'), ('USERNAME', 'u'),
            ('PASSWORD', password), ('PROJECT_NAME', 'demo'),
            ('USER_DOMAIN_ID', 'd'), ('PROJECT_DOMAIN_ID', 'd'),
        ):
            self.useFixture(fixtures.EnvironmentVariable('OS_' + name, value))

    def test_usage(self):
        for argv, text in (
            (['--web.listen-address', '127.0.0.1'], 'ADDRESS:PORT'),
            (['--web.listen-address', ':65536'], 'ADDRESS:PORT'),
            (['--textfile', 'progress.txt'], '*.prom'),
            (['--interval', '0'], 'no time span'),
            (['--per-image', '1001'], 'not in 0 to 1000'),
            (['--per-image', 'all'], 'invalid'),
        ):
            self.assert_refused(text, argv=argv)

    def test_nobody_is_named(self):
        self.assert_refused('auth_url', '--os-cloud')

    def test_cloud_that_there_is_not(self):
        self.assert_refused('nowhere', 'clouds.yaml', argv=[
            '--os-cloud', 'nowhere'])

    def test_keystone_refuses_the_account(self):
        api = self.useFixture(image_api.ImageApi())
        api.unauthorized = True
        self.with_keystone(api)
        self.assert_refused('Keystone refuses', 'password', argv=[
            '--web.listen-address', '127.0.0.1:0'])

    def test_nobody_can_listen(self):
        api = self.useFixture(image_api.ImageApi())
        self.with_keystone(api)
        self.assert_refused('--web.listen-address', '192.0.2.1', argv=[
            '--web.listen-address', '192.0.2.1:19292'])

    def test_no_web_configuration_file(self):
        api = self.useFixture(image_api.ImageApi())
        self.with_keystone(api)
        self.assert_refused('web configuration file missing.yml', argv=[
            '--web.config.file', 'missing.yml'])

    def test_no_directory_for_the_file(self):
        api = self.useFixture(image_api.ImageApi())
        self.with_keystone(api)
        asked = []
        self.useFixture(fixtures.MonkeyPatch(
            'glance_progress.metrics.poll.Poll.start', asked.append))
        self.assert_refused('/missing/x.prom', argv=[
            '--textfile', '/missing/x.prom'])
        self.assertEqual([], asked)

    def test_extra_is_not_installed(self):
        for module in ('prometheus_client', 'openstack', 'bcrypt', 'yaml'):
            done = subprocess.run(
                [sys.executable, '-c', 'import sys; '
                 'sys.modules[%r] = None; '
                 'from glance_progress.cmd import progress; '
                 "sys.exit(progress.main(['exporter']))" % module],
                stderr=subprocess.PIPE, text=True)
            self.assertEqual(255, done.returncode)
            self.assertIn('glance-progress[exporter]', done.stderr)
