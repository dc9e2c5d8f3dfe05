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

"""Release names and versions of Nova, Cinder and Glance."""

from __future__ import annotations

from importlib import metadata
import re

#: Major version minus the number of the release, counted from 2010.1 on, two
#: a year: Nova 26 and Cinder 21 are 2022.2.
_OFFSET = {'nova': 0, 'cinder': -5}

#: The first release that the rule knows, Ocata, counted in the same way.
_FIRST = 15

#: From Ocata, 2017.1.
_NAMES = ('ocata', 'pike', 'queens', 'rocky', 'stein', 'train', 'ussuri',
          'victoria', 'wallaby', 'xena', 'yoga', 'zed')


def major(project: str, text: str) -> int:
    """Return the major version that an operator's *text* means.

    A release newer than this package is taken as it comes: what holds for
    2026.2 does for it, as far as can be known.

    :param project: 'nova' or 'cinder'
    :param text: a version (34, 34.0.0), a release (2026.2) or its name (zed)
    :raises ValueError: if there is no such release
    """
    offset = _OFFSET[project]
    name = text.strip().lower()
    year = re.fullmatch(r'(20\d\d)\.([12])', name)
    version = re.fullmatch(r'(\d{1,3})(\.\d+){0,2}', name)
    if name in _NAMES:
        found = _FIRST + _NAMES.index(name) + offset
    elif year:
        found = _number(int(year[1]), int(year[2])) + offset
    elif version:
        found = int(version[1])
    else:
        found = 0
    if found < _FIRST + offset:
        raise ValueError(
            '%s is no release of %s that is known here; give a version (%d or '
            'later) or a release (ocata, 2026.2 or later)' % (
                text, project.capitalize(), _FIRST + offset))
    return found


def _number(year: int, half: int) -> int:
    return 26 + 2 * (year - 2022) + half - 2


def installed_glance() -> int | None:
    """Return the major version of the Glance that is installed here.

    None if there is none, or if its version tells nothing: pbr calls a
    checkout without tags 0.0.1.
    """
    try:
        version = metadata.version('glance')
    except metadata.PackageNotFoundError:
        return None
    found = re.match(r'(\d+)\.', version)
    return int(found[1]) if found and int(found[1]) > 10 else None
