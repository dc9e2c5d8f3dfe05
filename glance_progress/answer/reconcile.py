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

"""Says what each store of an image holds, by the database and by memcached.

Glance's database knows the image's status, and memcached the bytes. Records
may be missing at any time, and may be older than the status; where the two
contradict each other the database is right.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
from typing import Union

from glance_progress.answer import beside
from glance_progress.answer import database
from glance_progress.records import wire

#: Seconds in which a record may be ahead of the database.
GRACE = 5.0

#: State of a store that an import has not come to yet. No record has it.
WAITING = 'waiting'

NOT_KEPT = 'Glance has not kept the image data in this store.'
IMPORT_FAILED = 'The import into this store failed.'


@dataclasses.dataclass(frozen=True)
class Unrecorded:
    """A store of which the database alone knows; sizes are in bytes."""

    store: str
    state: str
    bytes_written: int
    total_bytes: int | None
    failure: str | None

    @property
    def percent(self) -> float:
        """Percent written: all or nothing, since the database counts none."""
        return 100.0 if self.state == wire.FINISHED else 0.0


Store = Union[wire.Record, Unrecorded]


def stores(
    image: database.Image, records: Mapping[str, wire.Record], now: float
) -> list[Store]:
    """Return what is known of each store that has to do with *image*.

    :param records: what memcached holds of the image, by store
    :param now: seconds since the epoch
    """
    seen = beside.seen(image, records)
    records = of_stores(records)
    recorded = {store: _corrected(image, record, now)
                for store, record in records.items()
                if not _obsolete(image, record, records, now)}
    of_ceph = None if seen is None else beside.store_of(seen)
    if of_ceph is not None:
        recorded[of_ceph.store] = of_ceph
    others = (image.stores | image.targets | image.unfilled) - set(recorded)
    return [*recorded.values(),
            *(_unrecorded(image, store) for store in sorted(others))]


def of_stores(
    records: Mapping[str, wire.Record]
) -> dict[str, wire.Record]:
    """Return those of *records* that tell of uploads."""
    return {place: record for place, record in records.items()
            if place not in (wire.LOOKED, wire.HASHED)}


def of_deleted(
    records: Mapping[str, wire.Record]
) -> dict[str, wire.Record]:
    """Return those of a deleted image's *records* that say why it failed.

    None do when its newest upload has not failed: somebody had no use for the
    image any more.
    """
    records = of_stores(records)
    newest = max(records.values(), key=lambda each: each.sequence,
                 default=None)
    if newest is None or newest.state != wire.FAILED:
        return {}
    return {place: record for place, record in records.items()
            if record.state == wire.FAILED}


def last_failure(
    image: database.Image, records: Mapping[str, wire.Record], now: float
) -> wire.Record | None:
    """Return the newest upload of *image* that has failed, obsolete or not.

    :param records: what memcached holds of the image, by store
    :param now: seconds since the epoch
    """
    corrected = (_corrected(image, each, now)
                 for each in of_stores(records).values())
    return max((each for each in corrected if each.state == wire.FAILED),
               key=lambda each: each.sequence, default=None)


def fresh(record: wire.Record, now: float) -> bool:
    """Tell whether *record* may be ahead of the database.

    One of a time that is to come says nothing but that a clock was wrong, and
    only who has seen it move knows by how much.
    """
    age = now - record.updated_at - (record.skew if record.moved else 0.0)
    return abs(age) < GRACE


def of_import(
    image: database.Image, record: wire.Record, staged: wire.Record | None
) -> bool | None:
    """Tell whether *record*, of a store, is of the import that is at work.

    All that an import writes carries the id of the request that has begun it,
    whatever clocks say. An id is the client's to choose, and one of Nova's
    requests may begin several imports; but what an import has put into stores
    comes after what was staged for it. None when nobody knows.

    :param staged: that of the staging area, which may also say at any time
        why an import has failed
    """
    if (staged is not None and staged.state != wire.FAILED
            and record.sequence < staged.sequence):
        return False
    return image.is_of_import(record.request_id)


def _obsolete(
    image: database.Image, record: wire.Record,
    records: Mapping[str, wire.Record], now: float,
) -> bool:
    """Tell whether *record* is of the time before what goes on now."""
    if image.status == 'saving':
        # Glance returns an image to queued before another upload can begin,
        # but for one that it has left as it was.
        return (record.state == wire.FAILED and record.left_in is None
                and record.store != wire.STAGING_STORE)
    if image.importing:
        return record.store in image.targets and of_import(
            image, record, records.get(wire.STAGING_STORE)) is False
    # The image was removed from one of its stores.
    return (image.status == 'active' and record.state == wire.FINISHED
            and record.store != wire.STAGING_STORE
            and record.store not in image.stores | image.unfilled
            and not fresh(record, now))


def _corrected(
    image: database.Image, record: wire.Record, now: float
) -> wire.Record:
    """Return *record* as it must be, seen what has become of the image."""
    record = _with_total(image, record)
    staged = record.store == wire.STAGING_STORE
    if staged and record.state != wire.UPLOADING:
        return record  # though Glance removes the data after the import
    if record.store in image.unfilled:
        return _failed(record, IMPORT_FAILED)
    if not _settled(image, record, now):
        return record
    if (staged or record.store in image.stores) and image.status != 'queued':
        return _finished(image, record)
    return _failed(record, NOT_KEPT)


def _settled(image: database.Image, record: wire.Record, now: float) -> bool:
    """Tell whether the database says by now what has become of *record*."""
    if (image.status in ('active', 'deactivated')
            and record.store in image.stores):
        return True  # nobody uploads what is there
    if fresh(record, now):
        return False
    if image.status == 'deactivated' and not image.stores:
        return False  # Glance hides where it is, but from admins
    return not image.at_work


def _with_total(image: database.Image, record: wire.Record) -> wire.Record:
    """Return *record* with a total, if the database knows the size."""
    if (record.total_bytes is not None or image.size is None
            or record.position is not None):
        return record
    # Before 2026.1 imports do not tell the driver the size.
    return dataclasses.replace(
        record, total_bytes=max(image.size, record.bytes_written))


def _finished(image: database.Image, record: wire.Record) -> wire.Record:
    """Return *record* as of an upload that has come to its end.

    If it says otherwise, its end did not reach memcached.
    """
    size = record.bytes_written if image.size is None else image.size
    return dataclasses.replace(
        record, state=wire.FINISHED, bytes_written=size, total_bytes=size,
        bytes_received=None, failure=None)


def _failed(record: wire.Record, reason: str) -> wire.Record:
    """Return *record* as of a failed upload, with its own reason if it has."""
    if record.state == wire.FAILED:
        return record
    return dataclasses.replace(record, state=wire.FAILED, failure=reason)


def _unrecorded(image: database.Image, store: str) -> Unrecorded:
    """Return what the database alone says of a store."""
    written, failure = 0, None
    if store in image.stores and image.status != 'queued':
        state, written = wire.FINISHED, image.size or 0
    elif store in image.stores and not image.importing:
        state, failure = wire.FAILED, NOT_KEPT
    elif store in image.unfilled or not image.importing:
        state, failure = wire.FAILED, IMPORT_FAILED
    else:
        state = WAITING
    return Unrecorded(store, state, written, image.size, failure)
