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

"""Copies of this tree, to build in."""

from __future__ import annotations

import functools
import pathlib
import shutil
import subprocess

from tests.functional import services


@functools.cache
def tracked() -> tuple[str, ...]:
    """Return the names of all files of this tree that git knows."""
    # As root in another user's clone git would refuse.
    done = subprocess.run(
        ['git', '-c', f'safe.directory={services.PROJECT}', 'ls-files', '-z'],
        cwd=services.PROJECT, check=True, stdout=subprocess.PIPE, text=True)
    return tuple(name for name in done.stdout.split('\0')
                 if name and (services.PROJECT / name).is_file())


def modules() -> set[str]:
    """Return the names of the files in the packages that get installed."""
    packages = (services.PROJECT / 'setup.cfg').read_text().partition(
        '\npackages =\n')[2].partition('\n\n')[0].split()
    return {name for name in tracked() if name.split('/')[0] in packages}


def copy(directory: pathlib.Path) -> None:
    """Copy this tree, as it is now, without what git knows of it."""
    for name in tracked():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(services.PROJECT / name, path)


def clone(directory: pathlib.Path) -> None:
    """Copy this tree, as it is now, as if it had been cloned so."""
    copy(directory)
    # pbr does not count the first commit.
    for line in ('init --quiet', 'add --force .', 'commit --quiet -m 1',
                 'commit --quiet --allow-empty -m 2'):
        subprocess.run(
            ['git', '-c', 'user.name=nobody', '-c', 'user.email=nobody',
             *line.split()], cwd=directory, check=True)
