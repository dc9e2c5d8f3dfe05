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
"""What is to be said of the lock that an import holds on its image.

Glance's import is over when its worker drops the lock. A worker that was
killed does not. Glance lets another import take a lock over when nothing was
heard of its task for an hour, two where the task has not begun; but it looks
at the status of the image first, and an image that is ``importing`` takes no
other import (glance.api.v2.images, import_image and _enforce_import_lock).
"""

from __future__ import annotations

from collections.abc import Iterable
import socket
from typing import Any

from glance_progress.answer import database
from glance_progress.answer import reconcile
from glance_progress import process
from glance_progress.records import wire

_HOUR = 3600.0

# Statuses of an image that some import, or copy, can begin in.
_OPEN = ('queued', 'uploading', 'active')


def describe(
    image: database.Image, records: Iterable[wire.Record], now: float
) -> dict[str, Any] | None:
    """Return what the API answers of the lock, None when there is none.

    :param records: all that memcached holds of the image
    :param now: seconds since the epoch
    """
    lock = image.lock
    if lock is None:
        return None
    own = [each for each in records
           if image.is_of_import(each.request_id)
           # or of another of the same id, which is the client's to choose
           and each.started_at >= (lock.since or 0) - reconcile.GRACE]
    newest = max(own, key=lambda each: each.updated_at, default=None)
    signs = [lock.updated_at, None if newest is None else newest.updated_at]
    last = max((each for each in signs if each is not None), default=None)
    free_at = _free_at(image.status, lock)
    return {
        'since': lock.since,
        'since_iso': _iso(lock.since),
        'last_sign_of_life': last,
        'last_sign_of_life_iso': _iso(last),
        'worker_gone': None if newest is None else _gone(newest, now),
        'free_at': free_at,
        'free_at_iso': _iso(free_at),
    }


def _free_at(status: str, lock: database.Lock) -> float | None:
    """Return when another import may take the lock over, None for never."""
    if status not in _OPEN:
        return None
    if lock.updated_at is None:
        return 0.0  # Glance knows nothing of its task any more
    return lock.updated_at + (
        2 * _HOUR if lock.status == 'pending' else _HOUR)


def _gone(record: wire.Record, now: float) -> bool | None:
    """Return whether the process that has written *record* has ended.

    None when that is not known: only the host itself can prove it.
    """
    if reconcile.fresh(record, now):
        return False
    if record.worker is None or record.host != socket.gethostname():
        return None
    return process.gone(record.worker)


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else wire.iso(seconds)
