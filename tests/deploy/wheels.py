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

"""What pip makes of this tree, and what it needs where no index is."""

from __future__ import annotations

import functools
import pathlib
import shutil
import subprocess
import sys

from tests.deploy import trees
from tests.functional import services

#: The version of what is built of trees.clone().
VERSION = '0.1.0.dev1'


def pip(*arguments: str | pathlib.Path) -> str:
    """Run pip of this machine and return what it says."""
    done = subprocess.run(
        [sys.executable, '-m', 'pip', '--disable-pip-version-check',
         *map(str, arguments)], capture_output=True, text=True)
    assert not done.returncode, done.stderr[-4000:]
    return done.stdout


@functools.cache
def sdist() -> pathlib.Path:
    """Make an sdist, for which pbr needs git."""
    tree = services.directory() / 'sdist'
    trees.clone(tree)
    subprocess.run([sys.executable, 'setup.py', '--quiet', 'sdist'], cwd=tree,
                   check=True, stderr=subprocess.DEVNULL)
    made, = (tree / 'dist').iterdir()
    shutil.rmtree(tree / '.git')
    return made


@functools.cache
def wheel() -> pathlib.Path:
    """Build a wheel from the sdist, without git."""
    directory = services.directory() / 'from-sdist'
    pip('wheel', '--quiet', '--no-deps', '--wheel-dir', directory, sdist())
    made, = directory.iterdir()
    return made


@functools.cache
def needed(python: str) -> pathlib.Path:
    """Return a directory with what *python* needs to build and install us."""
    wheels = services.directory() / ('wheels-' + python)
    pip('download', '--quiet', '--dest', wheels, '--python-version', python,
        '--only-binary=:all:', 'setuptools', 'wheel', 'pbr>=6.1.1',
        '--requirement', services.PROJECT / 'requirements.txt')
    return wheels
