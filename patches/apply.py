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


"""Applies our patches to Nova, Glance or Cinder, or looks, or reverses.

    patches/apply.py apply|check|reverse [--project NAME] DIRECTORY

DIRECTORY is a virtual environment or another prefix, a directory of installed
packages, an unpacked wheel or a source tree. Projects and versions are read
from the metadata in it; a project that is there for several interpreters is
treated in all of them. It needs nothing but Python and git.

The first line of patches/<project>/*/series says which series is for it:

    # versions: 21.0.0 to 21.2.0

It has been tried on these. A series is for every release from its first one to
the next series of the same major number, also for what is between two
releases: the lines have to be there to the letter, anything else is an error.

All or nothing: what does not fit as a whole changes no file, and what is
there already stays as it is. Exit status:

    0     done, or nothing to do; check: it is there
    1     check: not applied
    2     could not be done; a message says why, and nothing was changed
    128+N ended by signal N: nothing was changed, or all is done
"""

from __future__ import annotations

import argparse
import pathlib
import signal
import sys

# So that it can be run from anywhere
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from patches.patching import errors  # noqa: E402
from patches.patching import files  # noqa: E402
from patches.patching import rewriting  # noqa: E402
from patches.patching import series  # noqa: E402
from patches.patching import trees  # noqa: E402


def plan(
    tree: trees.Tree, command: str
) -> tuple[int, str, dict[pathlib.Path, bytes]]:
    """Return the exit status for *tree*, what to say, and what to write."""
    contents = rewriting.rewrite(tree, command == 'reverse')
    if command == 'check':
        return (1, 'not applied', {}) if contents else (0, 'there already', {})
    if contents:
        return 0, 'applied' if command == 'apply' else 'reversed', contents
    return 0, 'nothing to do, %s' % (
        'there already' if command == 'apply' else 'not applied'), {}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description='Apply the patches of this project to Nova, Glance or '
                    'Cinder.')
    parser.add_argument('command', choices=('apply', 'check', 'reverse'))
    parser.add_argument('directory', type=pathlib.Path, metavar='DIRECTORY')
    parser.add_argument('--project', choices=series.projects(),
                        help='leave the others alone')
    args = parser.parse_args(argv)
    try:
        found = [tree for tree in trees.find(args.directory)
                 if args.project in (None, tree.project)]
        if not found:
            raise errors.CannotApply(
                'no %s in %s' % (args.project, args.directory))
        plans = [plan(tree, args.command) for tree in found]
        wanted = {path: content for _, _, contents in plans
                  for path, content in contents.items()}
        for path in wanted:
            for owner in files.owners(path):
                print('WARNING: %s belongs to the package %s, whose next '
                      'upgrade undoes this.' % (path, owner), file=sys.stderr)
        files.write(wanted)
    except errors.CannotApply as exc:
        print('ERROR: %s' % exc, file=sys.stderr)
        return 2
    for tree, (_, words, _) in zip(found, plans):
        print('%s: %s' % (tree, words))
    return max(status for status, _, _ in plans)


if __name__ == '__main__':
    # An exception, so that nothing temporary is left behind.
    for number in files.SIGNALS:
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    sys.exit(main())
