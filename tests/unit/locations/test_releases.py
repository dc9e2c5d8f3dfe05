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

from glance_progress.locations import releases
from tests.unit import base


class TestMajor(base.TestCase):

    def test_spellings(self):
        for project, text, expected in (
            ('nova', '34', 34), ('nova', '34.0.0', 34), ('nova', '32.1', 32),
            ('nova', '2026.2', 34), ('nova', '2026.1', 33),
            ('nova', '2025.2', 32), ('nova', '2025.1', 31),
            ('nova', '2023.1', 27), ('nova', '2022.2', 26),
            ('nova', 'Zed', 26), ('nova', 'yoga', 25), ('nova', 'ocata', 15),
            ('nova', '2017.1', 15), ('nova', ' 31 ', 31),
            ('cinder', '2026.2', 29), ('cinder', '2025.2', 27),
            ('cinder', 'zed', 21), ('cinder', 'ocata', 10),
            ('cinder', '26.3.0', 26),
            # newer than this package
            ('nova', '35', 35), ('nova', '2027.1', 35), ('nova', '100', 100),
            ('cinder', '30.0.0', 30), ('cinder', '2027.2', 31),
        ):
            self.assertEqual(expected, releases.major(project, text), text)

    def test_unknown(self):
        for project, text in (
            ('nova', ''), ('nova', '2025.3'), ('nova', '14'),
            ('nova', 'newton'), ('nova', 'latest'), ('nova', '34.x'),
            ('cinder', '9'), ('nova', '-1'), ('nova', '2026'),
        ):
            exc = self.assertRaises(
                ValueError, releases.major, project, text)
            self.assertIn(text, str(exc))
            self.assertIn(project.capitalize(), str(exc))


class TestInstalledGlance(base.TestCase):

    def installed(self, version):
        self.patch('importlib.metadata.version', lambda name: version)
        return releases.installed_glance()

    def test_versions(self):
        for version, expected in (
            ('33.0.0', 33), ('25.1.0', 25), ('33.0.0.0rc1', 33),
            ('34.0.0.dev12', 34), ('0.0.1.dev7', None), ('unknown', None),
        ):
            self.assertEqual(expected, self.installed(version))

    def test_none(self):
        def missing(name):
            raise metadata.PackageNotFoundError(name)
        self.patch('importlib.metadata.version', missing)
        self.assertIsNone(releases.installed_glance())
