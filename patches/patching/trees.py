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
"""What is in a directory: projects that there are patches for."""

from __future__ import annotations

import dataclasses
import email.parser
import pathlib
import re
import subprocess

from patches.patching import errors
from patches.patching import series

#: What a directory may have packages in; Debian's is called dist-packages.
_PACKAGES = 'lib*/python*/*-packages'


@dataclasses.dataclass(frozen=True)
class Tree:
    """Is a project that was found in a directory."""

    project: str
    version: str
    root: pathlib.Path

    def __str__(self) -> str:
        return '%s %s' % (self.project, self.version)


def find(directory: pathlib.Path) -> list[Tree]:
    """Return the projects in *directory* that there are patches for.

    :raises CannotApply: when there is none
    """
    # lib64 may be a link to lib.
    roots = {root.resolve(): None
             for root in (directory, *sorted(directory.glob(_PACKAGES)))}
    found = [Tree(project, version, root) for root in roots
             for project, version in _named_by_metadata(root).items()]
    if not found:
        tree = _named_by_git(directory)
        if tree is None:
            raise errors.CannotApply(
                'no metadata of %s in %s' % (' or '.join(series.projects()),
                                             directory))
        found = [tree]
    for tree in found:
        if not (tree.root / tree.project).is_dir():
            raise errors.CannotApply(
                '%s is installed into %s from elsewhere: give the source '
                'tree instead' % (tree, tree.root))
    return found


def _named_by_metadata(root: pathlib.Path) -> dict[str, str]:
    """Return the version of each project that the metadata name."""
    found: dict[str, str] = {}
    # A file of its own is what distutils writes for a distribution's package.
    for pattern in ('*.dist-info/METADATA', '*.egg-info/PKG-INFO',
                    '*.egg-info', 'PKG-INFO'):
        for path in sorted(root.glob(pattern)):
            if not path.is_file():
                continue
            fields = email.parser.Parser().parsestr(
                path.read_text(errors='replace'), headersonly=True)
            project = (fields.get('Name') or '').lower()
            version = fields.get('Version') or ''
            if project not in series.projects():
                continue
            if found.setdefault(project, version) != version:
                raise errors.CannotApply(
                    '%s has metadata of %s %s and of %s' % (
                        root, project, found[project], version))
    return found


def _named_by_git(directory: pathlib.Path) -> Tree | None:
    setup = directory / 'setup.cfg'
    if not (directory / '.git').exists() or not setup.exists():
        return None
    name = re.search(r'^name\s*=\s*(\S+)', setup.read_text(), re.MULTILINE)
    if name is None or name.group(1) not in series.projects():
        return None
    try:
        described = subprocess.run(
            ['git', '-C', str(directory), 'describe', '--tags'], check=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return Tree(name.group(1), described.stdout.strip(), directory)
