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

"""Takes away what was left behind, one finding at a time.

Glance's row comes first, by a transition that Glance itself makes, from the
status that was seen: whoever still writes the data cannot have them registered
after that, and whoever was faster keeps them. Then the data go to the trash,
and come back at once if anything of the image has come to live meanwhile.
"""

from __future__ import annotations

import functools
import logging

from glance_progress.ceph import disposal
from glance_progress.ceph import holdings
from glance_progress.ceph import journal
from glance_progress.ceph import trash
from glance_progress.leftovers import facts
from glance_progress.leftovers import finding
from glance_progress.leftovers import judgement
from glance_progress.leftovers import resetting
from glance_progress.leftovers import service
from glance_progress.leftovers import staging
from glance_progress.leftovers import survey

LOG = logging.getLogger(__name__)


class Remover:
    """Removes findings, under the lock of each pool.

    :param surveyor: looks once more
    :param expire: seconds for which the trash keeps what is moved there
    """

    def __init__(self, surveyor: survey.Surveyor, expire: int) -> None:
        self._surveyor = surveyor
        self._expire = expire
        self._locks: list[journal.Lock] = []

    def __enter__(self) -> Remover:
        """Take the locks.

        :raises journal.Locked: another run has one
        """
        try:
            for place in sorted(self._surveyor.pools,
                                key=lambda each: each.pool):
                lock = journal.Lock(self._surveyor.ioctx(place))
                lock.renew()
                self._locks.append(lock)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        for lock in self._locks:
            try:
                lock.release()
            except Exception as exc:
                LOG.warning('The lock of a pool is free after %d s: %s',
                            journal.LOCK_SECONDS, exc)

    def remove(self, found: finding.Finding) -> None:
        """Take away what a finding is of.

        :raises resetting.Spared: it lives, or has changed
        """
        for lock in self._locks:
            lock.renew()
        assert found.seen is not None
        now = self._surveyor.image(found.image_id)
        # An earlier finding of the same image may have changed its row.
        again = [each for each in judgement.judge(now, now)
                 if (each.kind, each.what, each.data, each.files) == (
                     found.kind, found.what, found.data, found.files)
                 and each.removable]
        if not again or judgement.alive(_physical(found.seen),
                                        _physical(now)):
            raise resetting.Spared('it is no longer as it was')
        try:
            self._take(again[0], now)
        except (*service.LOST_RACE, trash.Alive) as exc:
            raise resetting.Spared(str(exc)) from exc

    def tidy(self) -> None:
        """Forget what was moved to the trash and has been purged."""
        for place in self._surveyor.pools:
            ioctx = self._surveyor.ioctx(place)
            there = {*holdings.names(ioctx).values(), *(
                each.rbd_id for each in trash.entries(ioctx, place))}
            for rbd_id in set(journal.read(ioctx)) - there:
                journal.erase(ioctx, rbd_id)

    def _take(self, found: finding.Finding, now: facts.Image) -> None:
        for data in found.data:
            disposal.note(
                self._surveyor.ioctx(data.place), data, found.kind, found.why,
                now.row.status if now.row else None)
        if found.kind == finding.UPLOADS:
            resetting.reset(now)
        elif found.kind == finding.TASKS:
            resetting.free(now, found.task)
        elif found.kind == finding.COPIES and (
                now.row is not None and now.row.import_task is not None):
            resetting.free(now, now.lock)
        for data in found.data:
            disposal.move(
                self._surveyor.ioctx(data.place), data, self._expire,
                functools.partial(self._is_free, data))
        for file in found.files:
            target = staging.put_away(file)
            LOG.warning(
                'Put away staging file %s, %d bytes, of image %s. Undo: '
                'glance-progress leftovers --restore %s (or mv %s %s)',
                file.path, file.size, now.image_id, now.image_id, target,
                file.path)

    def _is_free(self, data: holdings.Data) -> bool:
        return not self._surveyor.is_named(data)


def _physical(image: facts.Image) -> facts.Image:
    """Return *image* without what a removal changes itself."""
    return facts.Image(image.image_id, heard=image.heard)
