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
"""Which patches there are, and which of them are for a release.

A directory ``patches/<project>/*`` has the patches of a series in the order of
its file ``series``, whose first line says which releases it was tried on::

    # versions: 21.0.0 to 21.2.0
"""

from __future__ import annotations

import pathlib
import re

from patches.patching import errors

PATCHES = pathlib.Path(__file__).resolve().parents[1]

_VERSIONS = re.compile(r'^# versions: (\d[\d.]*) to (\d[\d.]*)$', re.MULTILINE)
_VERSION = re.compile(r'(\d+(?:\.\d+)*)\.?(a|b|rc|dev)?')


def order(version: str) -> tuple[list[int], bool]:
    """Return a key to sort by: 21.2.1.dev4 comes before 21.2.1."""
    found = _VERSION.match(version)
    if found is None:
        raise errors.CannotApply('%r is no version' % version)
    # pbr writes a fourth number, as in 22.0.0.0rc1.
    numbers = [int(part) for part in found.group(1).split('.')[:3]]
    return numbers, found.group(2) is None


def major(version: str) -> int:
    return order(version)[0][0]


def projects() -> list[str]:
    return sorted(path.name for path in PATCHES.iterdir() if path.is_dir())


def versions(series: pathlib.Path) -> tuple[str, str]:
    """Return the first and the last release that a series was tried on."""
    found = _VERSIONS.search((series / 'series').read_text())
    assert found is not None, series
    return found.group(1), found.group(2)


def choose(project: str, version: str) -> pathlib.Path:
    """Return the directory with the series for a release.

    Point releases to come cannot be known, so the major release decides, and
    of its series the one that begins last.

    :raises CannotApply: when there is none for that
    """
    known = sorted(
        (path.parent for path in (PATCHES / project).glob('*/series')),
        key=lambda path: order(versions(path)[0]))
    fitting = [path for path in known
               if major(versions(path)[0]) == major(version)]
    if not fitting:
        raise errors.CannotApply(
            'there are no patches for %s %s; there are some for %s' % (
                project, version, ', '.join(dict.fromkeys(
                    str(major(versions(path)[0])) for path in known))))
    begun = [path for path in fitting
             if order(versions(path)[0]) <= order(version)]
    return begun[-1] if begun else fitting[0]


def patches(series: pathlib.Path) -> list[pathlib.Path]:
    """Return the patches of a series, in order."""
    lines = (line.partition('#')[0].strip() for line in
             (series / 'series').read_text().splitlines())
    return [series / line for line in lines if line]
