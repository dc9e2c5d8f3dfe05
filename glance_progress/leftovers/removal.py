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

from collections.abc import Callable
import logging
import time
from typing import Any

from glance_progress.ceph import holdings
from glance_progress.ceph import journal
from glance_progress.ceph import places
from glance_progress.ceph import trash
from glance_progress.leftovers import facts
from glance_progress.leftovers import finding
from glance_progress.leftovers import judgement
from glance_progress.leftovers import service
from glance_progress.leftovers import staging
from glance_progress.leftovers import survey

LOG = logging.getLogger(__name__)

#: What a task that is ended is told to have ended for.
REASON = 'The process that was to do this has ended.'

_IMPORTING_TO = 'os_glance_importing_to_stores'
_FAILED = 'os_glance_failed_import'
_LOCK = 'os_glance_import_task'


class Spared(Exception):
    """What was found is no longer as it was; nothing was changed."""


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

        :raises Spared: it lives, or has changed
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
            raise Spared('it is no longer as it was')
        try:
            self._take(again[0], now)
        except (*service.LOST_RACE, trash.Alive) as exc:
            raise Spared(str(exc)) from exc

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
            self._note(found, data, now)
        if found.kind == finding.UPLOADS:
            self._reset(now)
        elif found.kind == finding.TASKS:
            self._free(now, found.task)
        elif found.kind == finding.COPIES and (
                now.row is not None and now.row.import_task is not None):
            self._free(now, now.lock)
        for data in found.data:
            self._move(data)
        for file in found.files:
            target = staging.put_away(file)
            LOG.warning(
                'Put away staging file %s, %d bytes, of image %s. Undo: '
                'glance-progress leftovers --restore %s (or mv %s %s)',
                file.path, file.size, now.image_id, now.image_id, target,
                file.path)

    def _reset(self, now: facts.Image) -> None:
        """Have an image in transit queued again."""
        assert now.row is not None
        if now.row.import_task is not None:
            self._unlock(now, now.lock)
        images = service.image_repository()
        image = images.get(now.image_id)
        if image.status != now.row.status:
            raise Spared('it is %s now' % image.status)
        _forget_import(image, now.row.importing_to)
        image.status = 'queued'
        images.save(image, from_state=now.row.status)
        LOG.warning('Image %s, which was %s, is queued again: its upload can '
                    'be repeated.', now.image_id, now.row.status)

    def _free(self, now: facts.Image, task: facts.Task | None) -> None:
        """Free the import lock of an image that has its data."""
        row = now.row
        held = row is not None and not row.deleted and row.import_task
        if not held or (task is not None and task.task_id != held):
            assert task is not None
            _fail(task)
            return
        assert row is not None
        self._unlock(now, task)
        if row.importing_to:
            images = service.image_repository()
            image = images.get(now.image_id)
            _forget_import(image, row.importing_to)
            images.save(image, from_state=row.status)

    def _unlock(self, now: facts.Image, task: facts.Task | None) -> None:
        assert now.row is not None
        if task is not None and task.status in judgement.UNDER_WAY:
            _fail(task)
        images = service.image_repository()
        images.delete_property_atomic(
            images.get(now.image_id), _LOCK, now.row.import_task)
        LOG.warning('Freed the import lock of image %s, which task %s held.',
                    now.image_id, now.row.import_task)

    def _note(self, found: finding.Finding, data: holdings.Data,
              now: facts.Image) -> None:
        journal.write(self._surveyor.ioctx(data.place), data.rbd_id, {
            'name': data.name, 'kind': found.kind, 'why': found.why,
            'at': time.time(),
            'status': now.row.status if now.row else None})

    def _move(self, data: holdings.Data) -> None:
        ioctx = self._surveyor.ioctx(data.place)
        trash.move(ioctx, data, self._expire,
                   lambda: not self._surveyor.is_named(data))
        LOG.warning(
            'Moved RBD image %s/%s, %d bytes, to the trash of its pool, for '
            '%.1f days. Undo: glance-progress leftovers --restore %s (or rbd '
            'trash restore %s/%s)', data.place.pool, data.name, data.size,
            self._expire / 86400, data.rbd_id, data.place.pool, data.rbd_id)


def _fail(task: facts.Task) -> None:
    tasks = service.task_repository()
    known = tasks.get(task.task_id)
    known.fail(REASON)
    tasks.save(known)
    LOG.warning('Task %s, of image %s, which was %s, has failed now.',
                task.task_id, task.image_id, task.status)


def _forget_import(image: Any, stores: tuple[str, ...]) -> None:
    """Have an image say that an import to *stores* has failed."""
    if not stores:
        return
    image.extra_properties[_IMPORTING_TO] = ''
    failed = set((image.extra_properties.get(_FAILED) or '').split(','))
    image.extra_properties[_FAILED] = ','.join(
        sorted(filter(None, failed | set(stores))))


def _physical(image: facts.Image) -> facts.Image:
    """Return *image* without what a removal changes itself."""
    return facts.Image(image.image_id, heard=image.heard)


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
    # Noted before, so that what comes back counts as young.
    journal.write(ioctx, entry.rbd_id, {**note, 'restored_at': time.time()})
    try:
        trash.restore(ioctx, entry)
    except trash.InTheWay:
        return what + ': there is another RBD image of this name'
    LOG.warning('Brought RBD image %s back.', what)
    return what + ': restored'
