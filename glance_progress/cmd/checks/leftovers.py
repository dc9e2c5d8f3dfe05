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

"""Whether uploads that were broken may have left something behind.

One look proves little: whoever wants to know runs the command that takes two.
"""

from __future__ import annotations

from typing import Any

from glance_progress.ceph import holdings
from glance_progress.cmd.checks import subject
from glance_progress.cmd.checks import verdict

NAME = 'Leftovers'

#: Seconds in which nothing has happened to what is told of.
OLDER_THAN = 24 * 3600


def prepare() -> None:
    """Have Glance's own modules register options, before files are read."""
    from glance_progress.leftovers import survey  # noqa: F401


def check(about: subject.Subject) -> Any:
    """Look once, and warn of what may have been left behind."""
    if about.offline:
        return verdict.of(verdict.SUCCESS, subject.OFFLINE)
    # They read Glance's database by Glance itself, which need not be there
    # where nothing is asked.
    from glance_progress.leftovers import rows
    from glance_progress.leftovers import search
    from glance_progress.leftovers import service
    from glance_progress.leftovers import survey
    service.register_stores(about.conf)  # with the staging area
    surveyor = survey.Surveyor(about.conf)
    try:
        found = [each for each in search.candidates(surveyor, OLDER_THAN)
                 if each.notable]
    except (*holdings.failures(), *rows.FAILURES, OSError) as exc:
        return verdict.of(
            verdict.WARNING, 'Cannot look for what uploads have left behind '
            '(%s).' % type(exc).__name__)
    finally:
        surveyor.close()
    if not found:
        return verdict.of(
            verdict.SUCCESS, 'One look at stores, database and staging area '
            'finds nothing that is older than a day.')
    counts: dict[str, int] = {}
    for each in found:
        counts[each.kind] = counts.get(each.kind, 0) + 1
    return verdict.of(
        verdict.WARNING, 'One look finds what may have been left behind (%s). '
        '"glance-progress leftovers" looks twice, and says what it is.'
        % ', '.join('%s: %d' % each for each in counts.items()))
