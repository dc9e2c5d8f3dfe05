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

from glance_progress.cli import glance_files
from tests.unit import base


class TestLoad(base.TestCase):

    def load(self, files=(), directories=()):
        conf = cfg.ConfigOpts()
        glance_files.load(conf, files, directories)
        return conf

    def setUp(self):
        super().setUp()
        self.directory = self.useFixture(fixtures.TempDir()).path
        self.useFixture(fixtures.EnvironmentVariable('HOME', self.directory))
        self.useFixture(fixtures.EnvironmentVariable('OS_GLANCE_CONFIG_DIR'))

    def write(self, name):
        path = os.path.join(self.directory, name)
        with open(path, 'w') as file:
            file.write('[DEFAULT]\n')
        return path

    def test_directory_of_wsgi(self):
        self.useFixture(fixtures.EnvironmentVariable(
            'OS_GLANCE_CONFIG_DIR', self.directory))
        self.assertRaises(cfg.ConfigFilesNotFoundError, self.load)
        files = [self.write('glance-api.conf')]
        self.assertEqual(files, self.load().config_file)
        files = [self.write('glance-image-import.conf'), *files]
        self.assertEqual(files, self.load().config_file)

    def test_given_files(self):
        path = self.write('some.conf')
        self.assertEqual(
            [path], self.load([path]).config_file)

    def test_nothing_to_read(self):
        self.patch('oslo_config.cfg.find_config_files', lambda *a, **k: [])
        self.patch('oslo_config.cfg.find_config_dirs', lambda *a, **k: [])
        exc = self.assertRaises(glance_files.Unusable, self.load)
        self.assertIn('no glance-api.conf', str(exc))

    def test_a_secret_in_a_malformed_line(self):
        path = os.path.join(self.directory, 'some.conf')
        for text, said in (
            ('[DEFAULT]\na = b\nhunter2\n', 'some.conf is malformed, line 3'),
            ('hunter2 = 1\n', 'some.conf is malformed, line 1'),
        ):
            with open(path, 'w') as file:
                file.write(text)
            exc = self.assertRaises(cfg.Error, self.load, [path])
            self.assertIn(said, glance_files.describe(exc))
            self.assertNotIn('hunter2', glance_files.describe(exc))

    def test_unreadable_directory(self):
        self.patch('os.access', lambda *args: False)
        exc = self.assertRaises(
            glance_files.Unusable,
            self.load, directories=[self.directory])
        self.assertIn(self.directory, str(exc))

    def test_missing_directory(self):
        self.assertRaises(
            cfg.ConfigDirNotFoundError,
            self.load, directories=[self.directory + '/none'])
