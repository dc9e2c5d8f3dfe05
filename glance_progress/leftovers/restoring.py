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

"""Brings back what a removal has taken away."""

from __future__ import annotations

from collections.abc import Callable
import logging
import time
from typing import Any

from glance_progress.ceph import holdings
from glance_progress.ceph import journal
from glance_progress.ceph import places
from glance_progress.ceph import trash
from glance_progress.leftovers import staging
from glance_progress.leftovers import survey

LOG = logging.getLogger(__name__)


def restore(
    surveyor: survey.Surveyor, wanted: Callable[[str, str], bool]
) -> list[str]:
    """Bring back from the trash what was moved there by a removal.

    :param wanted: tells by image id and RBD id
    :returns: what was brought back, in words
    """
    done = []
    for place in surveyor.pools:
        ioctx = surveyor.ioctx(place)
        noted = journal.read(ioctx)
        for entry in trash.entries(ioctx, place):
            note = noted.get(entry.rbd_id)
            if note is None or not wanted(entry.name, entry.rbd_id):
                continue
            done.append(_restore(ioctx, place, entry, note))
    for path in staging.put_away_before():
        name = path.name.partition('.')[0]
        if wanted(name, path.name):
            done.append('%s: %s' % (path.name, 'restored'
                        if staging.bring_back(path)
                        else 'there is another of this name'))
    return done


def _restore(ioctx: Any, place: places.Place, entry: trash.Entry,
             note: dict[str, Any]) -> str:
    what = '%s/%s (%s)' % (place.pool, entry.name, entry.rbd_id)
    data = holdings.look_by_id(ioctx, place, entry.name, entry.rbd_id)
    if data is not None and data.watched:
        # Under its name again, it would be taken for that one's own.
        return what + ': a client has it open, and may be writing'
    # Noted before, so that what comes back counts as young.
    journal.write(ioctx, entry.rbd_id, {**note, 'restored_at': time.time()})
    try:
        trash.restore(ioctx, entry)
    except trash.InTheWay:
        return what + ': there is another RBD image of this name'
    LOG.warning('Brought RBD image %s back.', what)
    return what + ': restored'
