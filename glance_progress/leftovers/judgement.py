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

"""The table: from two looks at an image to what of it was left behind.

It never takes age for a proof, nor that nothing was heard. What proves that
an attempt is dead:

- its process has ended, which was a process of this host; or
- it has an RBD image of its own, made after it began, and at neither of two
  looks has any client that open. A writer's watcher lives as long as the
  image is open, and goes with the client, 30 s later.

What moves from one look to the other lives, as does what a client or a
process has open. What is neither dead nor alive by that is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from glance_progress.ceph import holdings
from glance_progress.leftovers import facts
from glance_progress.leftovers import finding

#: Statuses of images whose data are on their way.
TRANSIT = ('saving', 'uploading', 'importing')

#: Statuses of tasks that have not ended.
UNDER_WAY = ('pending', 'processing')

# Seconds by which the clocks of Glance's hosts and of Ceph's may differ.
_SKEW = 5

# Seconds by which a database rounds.
_ROUNDED = 1

# Methods of imports that stage the data themselves.
_STAGING = ('copy-image', 'web-download', 'glance-download')

_HAVING = ('active', 'deactivated')
_ENDED = 'the process that wrote it has ended'
_CLOSED = 'no client has its RBD image open'
_NO_PROOF = 'nothing proves that nobody is at it any more'


def alive(before: facts.Image, now: facts.Image) -> str | None:
    """Return the sign of life in two looks at an image, None for none."""
    if before != now:
        return 'it has changed from one look to the other'
    if any(each.watched for each in (*now.data, *now.registered)):
        return 'a client has its RBD image open'
    if any(each.open for each in now.files):
        return 'a process has its file open'
    heard = now.heard
    if heard is not None and heard.uploading and heard.ended is False:
        return 'the process that writes it lives'
    return None


def dead(image: facts.Image) -> str | None:
    """Return what proves that the attempt under way is dead, None if nothing.

    To be asked of an image without a sign of life.
    """
    row = image.row
    if row is None or row.deleted:
        return None
    begun = row.updated_at
    if row.import_task is not None:
        if image.lock is None or image.lock.status not in UNDER_WAY:
            return None  # which the lock's own judgement says more of
        begun = image.lock.created_at
    if _wrote_and_ended(image, begun):
        return _ENDED
    if row.import_task is not None and (
            set(row.importing_to) & image.elsewhere):
        return None  # it may be writing where there are no watchers
    if row.status != 'uploading' and any(
            _free(each) and not each.cloned
            and each.created_at >= begun - _SKEW for each in image.data):
        return _CLOSED
    return None


def _wrote_and_ended(image: facts.Image, begun: float) -> bool:
    """Tell whether the attempt's own process has ended.

    It tells the time of the attempt and of the record by one clock. Who has
    staged what a user has sent need not be who imports it.
    """
    heard = image.heard
    if heard is None or not heard.ended:
        return False
    task = image.lock
    if heard.staging and task is not None and task.method not in _STAGING:
        return heard.started_at > begun + _ROUNDED
    return heard.started_at >= begun - _ROUNDED


def judge(
    before: facts.Image, now: facts.Image
) -> Iterator[finding.Finding]:
    """Return what of an image was left behind, or may have been."""
    if alive(before, now) is not None:
        return
    row = now.row
    in_transit = row is not None and not row.deleted and (
        row.status in TRANSIT)
    if in_transit:
        yield from _upload(now)
    else:
        yield from _lock(now)
        for each in now.data:
            yield from _data(now, each)
        yield from _staging(now)
        yield from _placeholders(now)
    yield from _tasks(now)


def _upload(image: facts.Image) -> Iterator[finding.Finding]:
    row = image.row
    assert row is not None
    if row.status == 'uploading' and row.stage_host:
        # It waits for its owner to import it, which may have begun.
        yield from _lock(image)
        return
    proof = dead(image)
    if row.status == 'importing' and proof is None:
        proof = _lock_is_free(image)
    kept = None if proof else _NO_PROOF
    # Glance takes back what an import has brought to some stores when another
    # fails. What is not in Ceph would have no way back from that.
    others = set(row.stores) - {each.store for each in image.registered}
    data = (*image.data, *image.registered)
    if others:
        kept = 'it already has data in %s' % ', '.join(sorted(others))
    elif any(each.held for each in data):
        kept = _NO_PROOF
    yield _finding(
        image, finding.UPLOADS, finding.UNKNOWN if kept else finding.LEFT,
        'image that is ' + row.status, kept or proof or _NO_PROOF, data=data,
        files=image.files, task=image.lock)


def _lock(image: facts.Image) -> Iterator[finding.Finding]:
    """The import lock of an image that is not in transit, as of a copy."""
    row = image.row
    if row is None or row.deleted or row.import_task is None:
        return
    proof = _lock_is_free(image) or dead(image)
    yield _finding(
        image, finding.TASKS, finding.LEFT if proof else finding.UNKNOWN,
        'import lock of task %s' % row.import_task, proof or _NO_PROOF,
        task=image.lock)


def _lock_is_free(image: facts.Image) -> str | None:
    """Return why nobody holds the import lock of *image*."""
    if image.row is None:
        return None
    if image.row.import_task is None:
        # It comes before that status, and goes after it.
        return ('nobody holds its import lock'
                if image.row.status == 'importing' else None)
    if image.lock is None:
        return 'its task is gone'
    if image.lock.status not in UNDER_WAY:
        return 'its task has ended'
    return None


def _tasks(image: facts.Image) -> Iterator[finding.Finding]:
    """Tasks that have lost their image, or its lock: they can but fail."""
    row = image.row
    deleted = row is None or row.deleted
    holder = None if row is None or deleted else row.import_task
    for task in image.tasks:
        if task.status not in UNDER_WAY:
            continue
        if task.kind == 'location_import' and deleted:
            why = 'its image was deleted'
        elif task.kind == 'api_image_import' and task.task_id != holder:
            why = 'it does not hold the lock that it cannot go on without'
        else:
            continue
        yield _finding(
            image, finding.TASKS, finding.LEFT, 'task %s' % task.task_id,
            why, task=task)


def _placeholders(image: facts.Image) -> Iterator[finding.Finding]:
    """Locations for data that no import will bring any more."""
    row = image.row
    if row is None or row.deleted or row.import_task is not None or (
            not row.placeholders):
        return
    yield _finding(
        image, finding.TASKS, finding.LEFT,
        '%d locations without data' % len(row.placeholders),
        'no import holds the lock of the image')


def _data(
    image: facts.Image, data: holdings.Data
) -> Iterator[finding.Finding]:
    """An RBD image of an image that is not in transit."""
    row = image.row
    kind, what, why = finding.DATA, 'RBD image', None
    proof = None
    if row is None:
        why = 'this Glance has never had an image of this id'
    elif data.held:
        why = data.held
    elif row.status == 'pending_delete':
        return  # the scrubber's
    elif row.deleted or row.status == 'killed':
        proof = 'its image was deleted'
    elif row.status in _HAVING:
        kind, what = finding.COPIES, 'copy'
        if row.import_task is None:
            proof = 'the image has no data in this store, and no import'
        else:
            proof = _lock_is_free(image) or dead(image)
    elif data.rbd_id in image.begun:
        proof = 'its removal was begun before'
    elif row.snapshot or data.finished or data.cloned:
        why = 'it may be about to be registered'
    yield _finding(
        image, kind, finding.LEFT if proof and not why else finding.UNKNOWN,
        what, why or proof or _NO_PROOF, store=data.store, data=(data,),
        task=image.lock)


def _staging(image: facts.Image) -> Iterator[finding.Finding]:
    """Files of an image that is neither staged nor imported."""
    if not image.files:
        return
    row = image.row
    proof = None
    if row is None or row.deleted or row.status == 'killed':
        proof = 'there is no such image'
    elif row.import_task is None or _lock_is_free(image):
        proof = 'its image is ' + row.status
    elif dead(image):
        proof = dead(image)
    if any(each.open is None for each in image.files):
        proof = None
    yield _finding(
        image, finding.STAGING, finding.LEFT if proof else finding.UNKNOWN,
        'staging file', proof or _NO_PROOF, files=image.files,
        task=image.lock)


def _free(data: holdings.Data) -> bool:
    return not data.watched and data.held is None


def _finding(
    image: facts.Image, kind: str, state: str, what: str, why: str,
    store: str | None = None, data: tuple[holdings.Data, ...] = (),
    files: tuple[facts.File, ...] = (), task: facts.Task | None = None,
) -> finding.Finding:
    sizes = [each.size for each in data] + [each.size for each in files]
    return finding.Finding(
        kind, state, image.image_id, what, why,
        store=store or (data[0].store if data else None),
        size=sum(sizes) if sizes else None, since=image.last_sign or None,
        data=data, files=files, task=task, seen=image)
