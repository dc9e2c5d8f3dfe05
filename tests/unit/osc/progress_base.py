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

import io
import os

import fixtures
from openstackclient import shell
from osc_lib import clientmanager

from tests.unit import base
from tests.unit import image_api

OTHER = '00000000-0000-0000-0000-000000000001'


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.api = self.useFixture(image_api.ImageApi())
        self.stdout, self.stderr = io.StringIO(), io.StringIO()
        self.patch('sys.stdout', self.stdout)
        self.patch('sys.stderr', self.stderr)
        self.useFixture(fixtures.EnvironmentVariable(
            'HOME', self.useFixture(fixtures.TempDir()).path))
        self.useFixture(fixtures.EnvironmentVariable('COLUMNS', '120'))
        for name in os.environ:
            if name.startswith('OS_'):
                self.useFixture(fixtures.EnvironmentVariable(name))
        self.clock = self.useFixture(base.Clock('glance_progress.client'))
        self.clock.sleep = self.sleep

    def sleep(self, seconds):
        self.clock.now += seconds

    def identity(self):
        return ['--os-auth-type', 'none', '--os-endpoint', self.api.endpoint]

    def openstack(self, *argv, identity=None):
        """Run the command and return its exit status."""
        # A process has but one image client, and is to have one a call.
        for name, value in vars(clientmanager.ClientManager).items():
            if isinstance(value, clientmanager.ClientCache):
                value._handle = None
        for stream in (self.stdout, self.stderr):
            stream.seek(0)
            stream.truncate()
        try:
            return shell.main([*(identity or self.identity()),
                               'image', 'progress', *argv])
        except SystemExit as exc:
            return exc.code

    def keystone(self):
        """Return options of a user who may not look for projects."""
        return ['--os-auth-url', self.api.url + '/v3', '--os-username', 'u',
                '--os-password', 'p', '--os-project-name', 'demo',
                '--os-user-domain-id', 'd', '--os-project-domain-id', 'd',
                '--os-identity-api-version', '3']

    def lines(self):
        return self.stdout.getvalue().splitlines()

    def assert_says(self, text):
        self.assertIn(text, self.stderr.getvalue())
        self.assertNotIn('Traceback', self.stderr.getvalue())
