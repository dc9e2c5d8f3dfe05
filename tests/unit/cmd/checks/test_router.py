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

import argparse
import os

import fixtures
from oslo_config import cfg

from glance_progress.cmd.checks import router
from glance_progress.cmd.checks import subject
from tests.unit import base

STOCK = """
[pipeline:glance-api]
pipeline = context rootapp
[app:apiv2app]
paste.app_factory = glance.api.v2.router:API.factory
[filter:x]
format = %(message)s
"""


class TestCheck(base.TestCase):

    def setUp(self):
        super().setUp()
        self.directory = self.useFixture(fixtures.TempDir()).path

    def file(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, 'w') as file:
            file.write(text)
        return path

    def check(self, text='', *args):
        conf = cfg.ConfigOpts()
        conf.register_opt(cfg.StrOpt('config_file'), group='paste_deploy')
        conf(args=[], default_config_files=[self.file('my-api.conf', text)])
        result = router.check(subject.Subject(
            conf, argparse.Namespace(offline=True)))
        self.details = result.details
        return int(result.code)

    def test_named(self):
        path = self.file('my-api-paste.ini', STOCK.replace(
            'glance.api.v2.router', 'glance_progress.api'))
        self.assertEqual(0, self.check())
        self.assertIn(path, self.details)

    def test_stock(self):
        path = self.file('my-api-paste.ini', STOCK)
        self.assertEqual(1, self.check())
        self.assertIn(path, self.details)
        self.assertIn(
            'paste.app_factory = glance_progress.api:API.factory',
            self.details)

    def test_elsewhere(self):
        self.file('my-api-paste.ini', STOCK)
        path = self.file('mine.ini', STOCK.replace(
            'glance.api.v2.router', 'glance_progress.api'))
        self.assertEqual(
            0, self.check('[paste_deploy]\nconfig_file = ' + path))

    def test_missing(self):
        self.assertEqual(1, self.check())
        self.assertIn('was not found', self.details)
        path = os.path.join(self.directory, 'gone.ini')
        self.assertEqual(
            1, self.check('[paste_deploy]\nconfig_file = ' + path))
        self.assertIn(path, self.details)

    def test_named_where_it_does_not_count(self):
        ours = '= glance_progress.api:API.factory\n'
        for text in ('[app:a]\nPaste.App_Factory ' + ours,
                     '[DEFAULT]\npaste.app_factory %s[app:a]\n' % ours):
            with self.subTest(text):
                self.file('my-api-paste.ini', text)
                self.assertEqual(1, self.check())
                self.assertIn('no app has', self.details)

    def test_what_differs_by_case(self):
        self.file('my-api-paste.ini', STOCK.replace(
            'glance.api.v2.router', 'glance_progress.api')
            + '[filter:y]\nFoo = %(here)s\nfoo = 2\n')
        self.assertEqual(0, self.check())

    def test_malformed(self):
        for text, why in (
                ('[app:a]\npaste.app_factory = %s\nx = 50%%\n'
                 % router.FACTORY, "found: '%'"),
                ('nonsense', "line: 1 'nonsense'"),
                (STOCK + '[app:x]\nuse\n more\n', "[line 9]: 'use\\n'"),
                (STOCK + '[filter:x]\n', "'filter:x' already exists"),
                ('\xff', "codec can't decode")):
            with self.subTest(text):
                path = os.path.join(self.directory, 'my-api-paste.ini')
                with open(path, 'w', encoding='latin-1') as file:
                    file.write(text)
                self.assertEqual(1, self.check())
                self.assertIn(path, self.details)
                self.assertIn(why, self.details)
