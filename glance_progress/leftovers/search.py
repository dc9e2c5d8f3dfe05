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

"""Two looks, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import time

from oslo_utils import uuidutils

from glance_progress.leftovers import finding
from glance_progress.leftovers import judgement
from glance_progress.leftovers import survey
from glance_progress.records import wire

#: Seconds between two looks. The watcher of a client that was killed stays
#: for 30 s, and who has closed an image needs time to register it.
BETWEEN_LOOKS = 90


def findings(
    surveyor: survey.Surveyor, older_than: float,
    wait: Callable[[float], None] = time.sleep,
) -> list[finding.Finding]:
    """Return what was left behind, or may have been.

    :param older_than: seconds in which nothing has happened to it
    :param wait: called with BETWEEN_LOOKS, if there is anything to look at
        again
    """
    before = surveyor.look()
    if not before.images and not before.missing:
        return list(_trash(before))
    wait(BETWEEN_LOOKS)
    return _judged(before, surveyor.look(), older_than)


def candidates(
    surveyor: survey.Surveyor, older_than: float
) -> list[finding.Finding]:
    """Return what findings() may find, by one look."""
    now = surveyor.look()
    return _judged(now, now, older_than)


def _judged(
    before: survey.Survey, now: survey.Survey, older_than: float
) -> list[finding.Finding]:
    latest = time.time() - older_than
    found = [each
             for image_id, image in now.images.items()
             if image_id in before.images and image.last_sign <= latest
             for each in judgement.judge(before.images[image_id], image)]
    found += _lost(before, now)
    found += _trash(now)
    order = {kind: at for at, kind in enumerate(finding.KINDS)}
    return sorted(found, key=lambda each: (order[each.kind], each.image_id))


def _lost(
    before: survey.Survey, now: survey.Survey
) -> Iterator[finding.Finding]:
    in_trash = {(each.place.pool, each.name) for each in now.trash}
    for name, (image_id, place) in now.missing.items():
        if name in before.missing:
            yield finding.Finding(
                finding.LOST, finding.MISSING, image_id,
                'location of RBD image %s/%s' % name,
                'it waits in the trash of its pool' if name in in_trash
                else 'there is no such RBD image', store=place.store)


def _trash(now: survey.Survey) -> Iterator[finding.Finding]:
    """What is in the trash of the pools, but for what is no image's."""
    for each in now.trash:
        expired = each.until < time.time()
        why = now.moved.get(each.rbd_id)
        if not expired and why is None and not uuidutils.is_uuid_like(
                each.name):
            continue
        yield finding.Finding(
            finding.TRASH, finding.EXPIRED if expired else finding.WAITING,
            each.name, 'RBD image %s in the trash' % each.rbd_id,
            'its time is over: rbd trash purge %s' % each.place.pool
            if expired else 'until %s; %s' % (
                wire.iso(each.until), 'others have moved it there'
                if why is None else why),
            store=each.place.store, since=each.until if expired else None)
