#!/usr/bin/env python3
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


"""Applies our patches to Nova or Glance, looks whether they are, or reverses.

    tools/apply_patches.py apply|check|reverse [--project NAME] DIRECTORY

DIRECTORY is a virtual environment, a directory of installed packages, an
unpacked wheel or a source tree. Project and version are read from the metadata
in it. It needs nothing but Python.

The first lines of patches/<project>/*/series say which series is for it:

    # versions: 21.0.0 to 21.2.0
        has been tried on these. It is for every release of the same major
        number, also for what is between two releases: the hunks have to fit
        to the letter, anything else is an error.
    # upstream: 21.2.1 to 21
        is not needed here, up to the last release of that major number.

All or nothing: what does not fit as a whole changes no file, and what is
there already stays as it is. Exit status:

    0   done, or nothing to do; check: it is there, or none is needed
    1   check: not applied
    2   could not be done; a message says why, and nothing was changed
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
import dataclasses
import email.parser
import os
import pathlib
import re
import subprocess
import sys
import tempfile

PATCHES = pathlib.Path(__file__).resolve().parent.parent / 'patches'

_RANGE = r'^# %s: (\d[\d.]*) to (\d[\d.]*)$'
_VERSION = re.compile(r'(\d+(?:\.\d+)*)\.?(a|b|rc|dev)?')
_HUNK = re.compile(r'@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@')


class CannotApply(Exception):
    """Why nothing was changed, for the operator to read."""


@dataclasses.dataclass(frozen=True)
class Hunk:
    """A block of lines of a file, before and after."""

    path: str
    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Tree:
    """A project that was found in a directory."""

    project: str
    version: str
    root: pathlib.Path


def order(version: str) -> tuple[list[int], bool]:
    """Return a key to sort by: 21.2.1.dev4 comes before 21.2.1."""
    found = _VERSION.match(version)
    if found is None:
        raise CannotApply('%r is no version' % version)
    # pbr writes a fourth number, as in 22.0.0.0rc1.
    numbers = [int(part) for part in found.group(1).split('.')[:3]]
    return numbers, found.group(2) is None


def major(version: str) -> int:
    return order(version)[0][0]


def projects() -> list[str]:
    return sorted(path.name for path in PATCHES.iterdir() if path.is_dir())


def find(directory: pathlib.Path) -> list[Tree]:
    """Return the projects in *directory* that there are patches for.

    :raises CannotApply: when there is none
    """
    found = {}
    for root in (directory, *directory.glob('lib/python*/site-packages')):
        for project, version in _named_by_metadata(root):
            if project in projects():
                found[project] = Tree(project, version, root)
    if not found:
        tree = _named_by_git(directory)
        if tree is None:
            raise CannotApply(
                'no metadata of %s in %s' % (' or '.join(projects()),
                                             directory))
        found[tree.project] = tree
    for tree in found.values():
        if not (tree.root / tree.project).is_dir():
            raise CannotApply(
                '%s %s is installed into %s from elsewhere: give the source '
                'tree instead' % (tree.project, tree.version, directory))
    return list(found.values())


def _named_by_metadata(root: pathlib.Path) -> Iterator[tuple[str, str]]:
    # A file of its own is what distutils writes for a distribution's package.
    for pattern in ('*.dist-info/METADATA', '*.egg-info/PKG-INFO',
                    '*.egg-info', 'PKG-INFO'):
        for path in root.glob(pattern):
            if path.is_file():
                fields = email.parser.Parser().parsestr(
                    path.read_text(errors='replace'), headersonly=True)
                yield (fields.get('Name') or '').lower(), (
                    fields.get('Version') or '')


def _named_by_git(directory: pathlib.Path) -> Tree | None:
    setup = directory / 'setup.cfg'
    if not (directory / '.git').exists() or not setup.exists():
        return None
    name = re.search(r'^name\s*=\s*(\S+)', setup.read_text(), re.MULTILINE)
    if name is None or name.group(1) not in projects():
        return None
    try:
        described = subprocess.run(
            ['git', '-C', str(directory), 'describe', '--tags'], check=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return Tree(name.group(1), described.stdout.strip(), directory)


def ranges(path: pathlib.Path, kind: str) -> list[tuple[str, str]]:
    """Return first and last of each range that a series file names."""
    return re.findall(_RANGE % kind, path.read_text(), re.MULTILINE)


def fixed_upstream(tree: Tree) -> bool:
    """Whether *tree* is of a release that is known to need no patch."""
    wanted = order(tree.version)
    return any(order(first) <= wanted and wanted[0][0] <= major(last)
               for path in (PATCHES / tree.project).glob('*/series')
               for first, last in ranges(path, 'upstream'))


def series(tree: Tree) -> pathlib.Path:
    """Return the directory with the patches for *tree*.

    Point releases to come cannot be known, so the major release decides.

    :raises CannotApply: when there are none for that
    """
    wanted = major(tree.version)
    known: list[int] = []
    for path in (PATCHES / tree.project).glob('*/series'):
        for first, last in ranges(path, 'versions'):
            if major(first) <= wanted <= major(last):
                return path.parent
            known += range(major(first), major(last) + 1)
    raise CannotApply('there are no patches for %s %s; there are some for %s'
                      % (tree.project, tree.version,
                         ', '.join(map(str, sorted(known)))))


def hunks(directory: pathlib.Path) -> list[Hunk]:
    """Return the hunks of the patches in *directory*, in order."""
    found: list[Hunk] = []
    for line in (directory / 'series').read_text().splitlines():
        name = line.partition('#')[0].strip()
        if name:
            found += _hunks_of(directory / name)
    return found


def _hunks_of(patch: pathlib.Path) -> Iterator[Hunk]:
    lines = iter(patch.read_text(encoding='utf-8').splitlines(keepends=True))
    path = ''
    for line in lines:
        if line.startswith('+++ b/'):
            path = line[len('+++ b/'):].rstrip('\n')
        match = _HUNK.match(line)
        if match is None:
            continue
        sizes = [int(size or 1) for size in match.groups()]
        old: list[str] = []
        new: list[str] = []
        while [len(old), len(new)] != sizes:
            line = next(lines)
            if line[0] in ' -':
                old.append(line[1:])
            if line[0] in ' +':
                new.append(line[1:])
        yield Hunk(path, tuple(old), tuple(new))


def _places(lines: list[str], block: tuple[str, ...]) -> list[int]:
    return [start for start in range(len(lines) - len(block) + 1)
            if tuple(lines[start:start + len(block)]) == block]


def rewrite(
    root: pathlib.Path, wanted: list[Hunk], reverse: bool
) -> dict[pathlib.Path, bytes]:
    """Return what to write to which files; nothing when all is done already.

    :raises CannotApply: when a hunk fits nowhere, or only some are applied
    """
    contents: dict[pathlib.Path, list[str]] = {}
    done = 0
    for hunk in reversed(wanted) if reverse else wanted:
        path = root / hunk.path
        if path not in contents:
            try:
                text = path.read_bytes().decode('utf-8')
            except (OSError, UnicodeDecodeError) as exc:
                raise CannotApply('%s: %s' % (path, exc)) from exc
            contents[path] = text.splitlines(keepends=True)
        lines = contents[path]
        before, after = ((hunk.new, hunk.old) if reverse
                         else (hunk.old, hunk.new))
        places = _places(lines, before)
        if len(places) == 1:
            lines[places[0]:places[0] + len(before)] = after
        elif not places and len(_places(lines, after)) == 1:
            done += 1
        else:
            raise CannotApply(
                '%s has local changes, or those of another release, where a '
                'patch belongs:\n%s' % (
                    path, ''.join('    ' + line for line in before)))
    if done == len(wanted):
        return {}
    if done:
        raise CannotApply(
            '%s: %d of %d places are changed already; restore the files of '
            'the release first' % (root, done, len(wanted)))
    return {path: ''.join(lines).encode('utf-8')
            for path, lines in contents.items()}


def write(contents: dict[pathlib.Path, bytes]) -> None:
    """Write all of the files, or none.

    :raises CannotApply: when they cannot be written
    """
    staged: list[tuple[str, pathlib.Path]] = []
    originals = {path: path.read_bytes() for path in contents}
    replaced: list[pathlib.Path] = []
    try:
        for path, content in contents.items():
            handle, name = tempfile.mkstemp(dir=path.parent)
            staged.append((name, path))
            with os.fdopen(handle, 'wb') as file:
                file.write(content)
            mode = path.stat()
            os.chmod(name, mode.st_mode & 0o7777)
            if os.geteuid() == 0:
                os.chown(name, mode.st_uid, mode.st_gid)
        for name, path in staged:
            os.replace(name, path)
            replaced.append(path)
    except OSError as exc:
        for path in replaced:
            path.write_bytes(originals[path])
        for name, _ in staged:
            if os.path.exists(name):
                os.unlink(name)
        raise CannotApply('cannot write: %s' % exc) from exc


def plan(
    tree: Tree, command: str
) -> tuple[int, str, dict[pathlib.Path, bytes]]:
    """Return the exit status for *tree*, what to say, and what to write."""
    if fixed_upstream(tree):
        return 0, 'needs no patch, upstream has it', {}
    contents = rewrite(tree.root, hunks(series(tree)), command == 'reverse')
    if command == 'check':
        return (1, 'not applied', {}) if contents else (0, 'there already', {})
    if contents:
        return 0, 'applied' if command == 'apply' else 'reversed', contents
    return 0, 'nothing to do, %s' % (
        'there already' if command == 'apply' else 'not applied'), {}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description='Apply the patches of this project to Nova or Glance.')
    parser.add_argument('command', choices=('apply', 'check', 'reverse'))
    parser.add_argument('directory', type=pathlib.Path, metavar='DIRECTORY')
    parser.add_argument('--project', choices=projects(),
                        help='leave the others alone')
    args = parser.parse_args(argv)
    try:
        trees = [tree for tree in find(args.directory)
                 if args.project in (None, tree.project)]
        if not trees:
            raise CannotApply('no %s in %s' % (args.project, args.directory))
        plans = [plan(tree, args.command) for tree in trees]
        write({path: content for _, _, contents in plans
               for path, content in contents.items()})
    except CannotApply as exc:
        print('ERROR: %s' % exc, file=sys.stderr)
        return 2
    for tree, (_, words, _) in zip(trees, plans):
        print('%s %s: %s' % (tree.project, tree.version, words))
    return max(status for status, _, _ in plans)


if __name__ == '__main__':
    sys.exit(main())
