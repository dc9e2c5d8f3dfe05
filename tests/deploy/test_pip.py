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

"""What pip installs: built without git, and on each supported Python."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tarfile
import zipfile

import testtools

from tests.deploy import roots
from tests.deploy import trees
from tests.deploy import wheels
from tests.functional import services

#: Imports all that needs nothing but what is installed with it.
IMPORTS = '''
import pkgutil
import glance_progress
for each in pkgutil.walk_packages(glance_progress.__path__,
                                  'glance_progress.'):
    try:
        __import__(each.name)
    except ModuleNotFoundError as exc:
        assert not exc.name.startswith('glance_progress'), each.name
import glance_progress.records.publisher
import nova_snapshot_fix.judgement
'''


class BuildTest(testtools.TestCase):

    def test_sdist_has_all_files(self) -> None:
        with tarfile.open(wheels.sdist()) as archive:
            names = {name.partition('/')[2] for name in archive.getnames()}
        # What begins with a dot is for git and for services of a project.
        self.assertEqual(
            set(), {name for name in trees.tracked()
                    if not name.startswith('.')} - names)

    def test_wheel_has_all_files(self) -> None:
        with zipfile.ZipFile(wheels.wheel()) as archive:
            self.assertLessEqual(trees.modules(), set(archive.namelist()))
        self.assertEqual(wheels.VERSION, wheels.wheel().name.split('-')[1])

    def test_neither_git_nor_sdist(self) -> None:
        """Then the version has to be told."""
        tree = services.directory() / 'no-git'
        trees.copy(tree)
        subprocess.run(
            [sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps',
             '--wheel-dir', tree / 'built', tree], check=True,
            env={**os.environ, 'PBR_VERSION': '0.1.0.dev7'})
        made, = (tree / 'built').iterdir()
        self.assertEqual('0.1.0.dev7', made.name.split('-')[1])
        with zipfile.ZipFile(made) as archive:
            self.assertLessEqual(trees.modules(), set(archive.namelist()))


class PythonTest(testtools.TestCase):

    def on_debian(self, suite: str, python: str) -> None:
        """Install the sdist, without git and without an index."""
        root = roots.Root(suite, roots.base(suite, suite, 'python3-venv'))
        self.assertTrue(root.run('python3', '--version').startswith(
            f'Python {python}.'))
        root.run('python3', '-m', 'venv', '/venv')
        root.run('/venv/bin/pip', 'install', '--no-index', '--find-links',
                 wheels.needed(python), wheels.sdist())
        root.run('/venv/bin/python', '-c', IMPORTS)
        self.assertEqual(
            wheels.VERSION,
            root.run('/venv/bin/glance-progress', '--version').strip())

    def test_3_9(self) -> None:
        self.on_debian('bullseye', '3.9')

    def test_3_13(self) -> None:
        self.on_debian('trixie', '3.13')

    def test_3_10(self) -> None:
        self.here('3.10')

    def test_3_12(self) -> None:
        self.here('3.12')

    def here(self, python: str) -> None:
        """Install the wheel with an interpreter that Debian has not.

        Where there is none, pip says what it would install.
        """
        interpreter = find(python)
        if interpreter is None:
            report = json.loads(wheels.pip(
                'install', '--quiet', '--dry-run', '--report', '-',
                '--target', services.directory() / 'nowhere',
                '--python-version', python, '--only-binary=:all:',
                wheels.wheel()))
            self.assertIn('glance_progress', {
                each['metadata']['name'].lower().replace('-', '_')
                for each in report['install']})
            return
        venv = services.directory() / ('venv-' + python)
        for line in (
            [interpreter, '-m', 'venv', venv],
            [venv / 'bin' / 'pip', 'install', '--quiet', '--no-index',
             '--find-links', wheels.needed(python), wheels.wheel()],
            [venv / 'bin' / 'python', '-c', IMPORTS],
        ):
            subprocess.run(line, check=True)


def find(python: str) -> pathlib.Path | None:
    """Return an interpreter of that version, one of pyenv's if any."""
    root = pathlib.Path(os.environ.get('PYENV_ROOT', pathlib.Path.home()
                                       / '.pyenv'))
    found = sorted(root.glob(f'versions/{python}.*/bin/python3'))
    return found[0] if found else None
