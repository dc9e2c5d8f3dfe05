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

import pathlib
import stat

import fixtures
import testtools

from allinone import files


class WritePrivateTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path, 'secret')

    def assert_written(self, text):
        self.assertEqual(text, self.path.read_text())
        self.assertEqual(0o600, stat.S_IMODE(self.path.stat().st_mode))
        self.assertEqual([self.path], list(self.path.parent.iterdir()))

    def test_new(self):
        files.write_private(self.path, 'hush')
        self.assert_written('hush')

    def test_in_place_of_what_all_could_read(self):
        self.path.write_text('public')
        files.write_private(self.path, 'hush')
        self.assert_written('hush')

    def test_after_a_broken_attempt(self):
        self.path.with_name('secret.new').write_text('hal')
        files.write_private(self.path, 'hush')
        self.assert_written('hush')

    def test_all_or_nothing(self):
        files.write_private(self.path, 'before')
        self.assertRaises(TypeError, files.write_private, self.path, None)
        self.assertEqual('before', self.path.read_text())
