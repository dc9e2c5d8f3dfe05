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

"""Has Glance's rows say that an attempt is over, as Glance itself would.

By its own repositories, and only from the status that was seen: whoever still
writes cannot have the data registered after that, and whoever was faster keeps
them.
"""

from __future__ import annotations

from collections.abc import Iterable
import logging
from typing import Any

from glance_progress.leftovers import facts
from glance_progress.leftovers import judgement
from glance_progress.leftovers import service

LOG = logging.getLogger(__name__)

#: What a task that is ended is told to have ended for.
REASON = 'The process that was to do this has ended.'

_IMPORTING_TO = 'os_glance_importing_to_stores'
_FAILED = 'os_glance_failed_import'
_LOCK = 'os_glance_import_task'


class Spared(Exception):
    """What was found is no longer as it was; nothing was changed."""


def reset(now: facts.Image) -> None:
    """Have an image in transit queued again."""
    assert now.row is not None
    if now.row.import_task is not None:
        _unlock(now, now.lock)
    images = service.image_repository()
    image = images.get(now.image_id)
    if image.status != now.row.status:
        raise Spared('it is %s now' % image.status)
    located = [each['id'] for each in image.locations]
    _drop_locations(now.image_id, [*now.row.placeholders, *located])
    if located:
        image = images.get(now.image_id)
        # As Glance does when it takes back what an import has brought.
        image.size = image.checksum = None
        image.os_hash_algo = image.os_hash_value = None
    _forget_import(image, now.row.importing_to)
    image.status = 'queued'
    images.save(image, from_state=now.row.status)
    LOG.warning('Image %s, which was %s, is queued again: its upload can '
                'be repeated.', now.image_id, now.row.status)


def free(now: facts.Image, task: facts.Task | None) -> None:
    """Free the import lock of an image that has its data.

    And take away its locations without any.
    """
    row = now.row
    if row is not None and row.placeholders:
        _drop_locations(now.image_id, row.placeholders)
        if row.import_task is None and task is None:
            return
    held = row is not None and not row.deleted and row.import_task
    if not held or (task is not None and task.task_id != held):
        assert task is not None
        _fail(task)
        return
    assert row is not None
    _unlock(now, task)
    if row.importing_to:
        images = service.image_repository()
        image = images.get(now.image_id)
        _forget_import(image, row.importing_to)
        images.save(image, from_state=row.status)


def _drop_locations(image_id: str, ids: Iterable[int]) -> None:
    """Delete locations, by the function that parallel imports do it with.

    Glance's repositories hide those without data, and delete the data of all
    others with them.
    """
    for row_id in ids:
        service.database().image_location_delete(
            service.context(), image_id, row_id, 'deleted')
        LOG.warning('Deleted location %d of image %s, which was importing.',
                    row_id, image_id)


def _unlock(now: facts.Image, task: facts.Task | None) -> None:
    assert now.row is not None
    if task is not None and task.status in judgement.UNDER_WAY:
        _fail(task)
    images = service.image_repository()
    images.delete_property_atomic(
        images.get(now.image_id), _LOCK, now.row.import_task)
    LOG.warning('Freed the import lock of image %s, which task %s held.',
                now.image_id, now.row.import_task)


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
