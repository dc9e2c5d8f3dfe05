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

"""A private mount namespace, in which a service sees directories of ours."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import pathlib
import shlex


def private(line: Sequence[str], places: Mapping[str, pathlib.Path],
            protect: Sequence[str] = ()) -> list[str]:
    """Return a command that runs another one in a namespace of its own.

    :param line: the program and its arguments
    :param places: directory of the machine, which must be there -> the
        directory of ours that stands in its place
    :param protect: directories of the machine that are read-only, but for
        what stands in the place of others
    """
    steps = []
    for path in protect:
        # With what is mounted in it: files of a container, as a rule.
        steps.append(['mount', '--rbind', path, path])
        steps.append(['mount', '-o', 'remount,bind,ro', path])
    steps += [['mount', '--bind', str(ours), place]
              for place, ours in places.items()]
    return ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec',
            '\n'.join([*map(shlex.join, steps), f'exec {shlex.join(line)}'])]
