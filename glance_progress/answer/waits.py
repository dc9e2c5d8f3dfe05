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
"""What an image waits for, while no byte of it moves."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses

from glance_progress.answer import database
from glance_progress.answer import phases
from glance_progress.answer import reconcile
from glance_progress.records import wire

#: Nobody has begun to upload or to stage the image, or the sender has sent
#: nothing yet.
DATA = 'data'

#: Glance has asked the source of an import, which has sent nothing yet.
SOURCE = 'source'

#: The data are staged, and nobody has asked for their import.
IMPORT = 'import'

#: An import was asked for, and all threads of Glance's that do it are busy.
WORKER = 'worker'


@dataclasses.dataclass(frozen=True)
class Wait:
    """One of the above, and since when; seconds since the epoch, or None."""

    what: str
    since: float | None


def of(
    image: database.Image, stores: Sequence[reconcile.Store], phase: str
) -> Wait | None:
    """Return what *image* waits for in *phase*, None when it does not wait.

    :param stores: what is known of each of its stores
    """
    if image.lock is not None and image.lock.status == 'pending':
        return Wait(WORKER, image.lock.since)
    if phase == phases.QUEUED:
        return Wait(DATA, image.created_at)
    staged = [each for each in stores if isinstance(each, wire.Record)
              and each.store == wire.STAGING_STORE]
    if phase == phases.STAGED:
        return Wait(IMPORT, max(
            (each.updated_at for each in staged), default=None))
    if phase == phases.STAGING:
        # A client's data come before the import, and a source's in it.
        return _for_first_byte(
            DATA if image.status == 'uploading' else SOURCE, staged)
    if phase == phases.UPLOAD:
        return _for_first_byte(
            DATA, [each for each in stores if isinstance(each, wire.Record)
                   and each.store != wire.STAGING_STORE])
    return None


def _for_first_byte(what: str, records: Sequence[wire.Record]) -> Wait | None:
    """Return the wait for the first byte of what is written by *records*."""
    begun = [each for each in records if each.state == wire.UPLOADING]
    if not begun or any(_has_come(each) for each in begun):
        return None
    return Wait(what, min(each.started_at for each in begun))


def _has_come(record: wire.Record) -> bool:
    """Tell whether any byte has come to whoever writes *record*."""
    return bool(record.bytes_written or record.bytes_received)
