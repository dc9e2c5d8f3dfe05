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

"""What users are told of an image: Glance's word and memcached's together.

Glance's database knows the image's status, and memcached the bytes. Records
may be missing at any time, and may be older than the status; where the two
contradict each other the database is right.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses
from typing import Any

from glance_progress.records import wire

#: Seconds in which a record may be ahead of the database.
GRACE = 5.0

#: State of a store that an import has not come to yet. No record has it.
WAITING = 'waiting'

# Phases
QUEUED = 'queued'
UPLOAD = 'upload'
STAGING = 'staging'
STAGED = 'staged'
IMPORT = 'import'
COPY = 'copy'
DONE = 'done'
FAILED = 'failed'

NOT_KEPT = 'Glance has not kept the image data in this store.'
IMPORT_FAILED = 'The import into this store failed.'

# What of a store's progress is for administrators, and for these and the owner
_ADMINS_ONLY = 'host'
_OWNERS_ONLY = 'request_id'


@dataclasses.dataclass(frozen=True)
class Image:
    """An image as Glance's database has it.

    :param size: in bytes; None while Glance does not know it
    :param stores: stores that hold the whole image
    :param targets: stores that an import is to fill, or was to
    :param failed: stores that the last import has failed to fill
    :param importing: whether an import is at work
    """

    image_id: str
    name: str | None
    owner: str | None
    status: str
    size: int | None
    stores: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    importing: bool = False

    @property
    def at_work(self) -> bool:
        """Whether somebody may be writing data of this image."""
        return self.importing or self.status in ('saving', 'uploading')

    @property
    def in_transit(self) -> bool:
        """Whether data of this image are under way."""
        return self.status in ('saving', 'uploading', 'importing') or (
            self.status == 'active' and self.importing
            and not self.targets <= self.stores)


def describe(
    image: Image, records: Mapping[str, wire.Record], now: float,
    stalled_after: float, admin: bool = False, owner: bool = False,
) -> dict[str, Any]:
    """Return what the API answers for *image*.

    :param records: what memcached holds of the image, by store
    :param now: seconds since the epoch
    :param stalled_after: seconds after which an upload counts as stalled
    :param admin: whether to name the hosts that upload
    :param owner: whether to name the requests that upload, as for admins
    """
    image = dataclasses.replace(image, failed=_failed(image))
    known = {store: _corrected(image, record, now)
             for store, record in records.items()}
    records = {store: record for store, record in records.items()
               if not _obsolete(image, record, records, now)}
    stores = {}
    for store in records:
        described = known[store].describe(now, stalled_after)
        del described['image_id']
        stores[store] = described
    for store in image.stores | image.targets | image.failed:
        stores.setdefault(store, _without_record(image, store))
    phase = _phase(image, stores)
    percent = _percent(image, phase, stores)
    last_failure = _last_failure(known.values())
    for each in (*stores.values(), *([last_failure] if last_failure else ())):
        if not admin:
            each.pop(_ADMINS_ONLY, None)
        if not (admin or owner):
            each[_OWNERS_ONLY] = None
        if each.get('sequence') is not None:
            each['sequence'] //= wire.SEQUENCES_SHOWN
    return {
        'image_id': image.image_id,
        'name': image.name,
        'owner': image.owner,
        'status': image.status,
        'phase': phase,
        'size': image.size,
        'percent': percent,
        'source': 'memcached' if records else 'database',
        'stores': [stores[store] for store in sorted(stores)],
        'last_failure': last_failure,
    }


def _last_failure(records: Iterable[wire.Record]) -> dict[str, Any] | None:
    """Return what is to be said of the newest upload that has failed."""
    last = max((each for each in records if each.state == wire.FAILED),
               key=lambda each: each.sequence, default=None)
    return None if last is None else {
        'store': last.store, 'failure': last.failure,
        'updated_at': last.updated_at,
        'updated_at_iso': wire.iso(last.updated_at),
        'request_id': last.request_id}


def _failed(image: Image) -> frozenset[str]:
    """Return the stores whose failed import nothing has made up for.

    Glance forgets a failure at the next import, but not at an upload.
    """
    if image.status == 'saving':
        return frozenset()
    return image.failed - image.stores


def _obsolete(
    image: Image, record: wire.Record, records: Mapping[str, wire.Record],
    now: float,
) -> bool:
    """Tell whether *record* is of the time before what goes on now."""
    if image.status == 'saving':
        # Glance returns an image to queued before another upload can begin,
        # but for one that it has left as it was.
        return (record.state == wire.FAILED and record.left_in is None
                and record.store != wire.STAGING_STORE)
    if image.importing:
        # Data to be imported are staged first.
        staged = records.get(wire.STAGING_STORE)
        return (record.store in image.targets and staged is not None
                and record.sequence < staged.sequence)
    # The image was removed from one of its stores.
    return (image.status == 'active' and record.state == wire.FINISHED
            and record.store != wire.STAGING_STORE
            and record.store not in image.stores | image.failed
            and record.age(now) >= GRACE)


def _corrected(image: Image, record: wire.Record, now: float) -> wire.Record:
    """Return *record* as it must be, seen what has become of the image."""
    if record.total_bytes is None and image.size is not None:
        # Before 2026.1 imports do not tell the driver the size.
        record = dataclasses.replace(
            record, total_bytes=max(image.size, record.bytes_written))
    staged = record.store == wire.STAGING_STORE
    if staged and record.state != wire.UPLOADING:
        return record  # though Glance removes the data after the import
    if record.store in image.failed and record.state != wire.FAILED:
        return dataclasses.replace(
            record, state=wire.FAILED, failure=IMPORT_FAILED)
    kept = record.store in image.stores
    if ((image.at_work and not (kept and image.status == 'active'))
            or record.age(now) < GRACE):
        return record
    if image.status == 'deactivated' and not image.stores:
        return record  # Glance hides where it is, but from admins
    if (staged or kept) and image.status != 'queued':
        # If it says otherwise, its end did not reach memcached.
        size = record.bytes_written if image.size is None else image.size
        return dataclasses.replace(
            record, state=wire.FINISHED, bytes_written=size, total_bytes=size,
            failure=None)
    if record.state == wire.FAILED:
        return record
    return dataclasses.replace(record, state=wire.FAILED, failure=NOT_KEPT)


def _without_record(image: Image, store: str) -> dict[str, Any]:
    """Return what the database alone says of a store."""
    written, percent, failure = 0, 0.0, None
    if store in image.stores and image.status != 'queued':
        state, percent = wire.FINISHED, 100.0
        written = image.size or 0
    elif store in image.stores:
        state, failure = wire.FAILED, NOT_KEPT
    elif store in image.failed or not image.importing:
        state, failure = wire.FAILED, IMPORT_FAILED
    else:
        state = WAITING
    nothing = dict.fromkeys((
        'started_at', 'started_at_iso', 'updated_at', 'updated_at_iso',
        'sequence', 'request_id', 'bytes_per_second', 'eta', 'age'))
    return {
        'store': store, 'state': state, 'bytes_written': written,
        'total_bytes': image.size, 'failure': failure, 'percent': percent,
        'stalled': False, **nothing}


def _phase(image: Image, stores: Mapping[str, Mapping[str, Any]]) -> str:
    states = {store: each['state'] for store, each in stores.items()}
    staging = states.get(wire.STAGING_STORE) == wire.UPLOADING
    if image.status == 'saving':
        return FAILED if _refused(stores) else UPLOAD
    if image.status == 'uploading':
        return STAGING if image.size is None else STAGED
    if image.status == 'active' and image.in_transit:
        return STAGING if staging else COPY
    if image.status in ('importing', 'queued') and image.importing:
        return STAGING if staging else IMPORT
    if image.status == 'queued':
        return FAILED if wire.FAILED in states.values() else QUEUED
    # An import that nobody works on any more has failed.
    if image.status in ('importing', 'killed'):
        return FAILED
    # So has one that has filled some of its stores: the image can be used,
    # and what was asked for has not come to be. Glance knows that of the last
    # import, for good; it is news for as long as there are records.
    newest = _of_newest_request(stores)
    failed = newest and image.failed or wire.FAILED in {
        each['state'] for each in newest}
    return FAILED if failed else DONE


def _refused(stores: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether the upload has failed that makes the image saving."""
    return wire.FAILED in {
        each['state'] for each in _of_newest_request(stores)}


def _of_newest_request(
    stores: Mapping[str, Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    recorded = _recorded(stores)
    newest = max(recorded, key=lambda each: each['sequence'], default=None)
    return [each for each in recorded
            if newest and each['request_id'] == newest['request_id']]


def _recorded(
    stores: Mapping[str, Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return what records say of stores, but for the staging area."""
    return [each for store, each in stores.items()
            if store != wire.STAGING_STORE and each['sequence'] is not None]


def _percent(
    image: Image, phase: str, stores: Mapping[str, Mapping[str, Any]]
) -> float | None:
    """Return how much of the phase is done; None when that is not known."""
    if phase == DONE:
        return 100.0
    if phase == STAGING:
        written = [each['percent'] for store, each in stores.items()
                   if store == wire.STAGING_STORE]
    else:
        written = [each['percent'] for each in _of_one_job(image, stores)]
    if not written or None in written:
        return None
    # Below 100 until Glance says that it is done.
    return min(99.9, round(sum(written) / len(written), 1))


def _of_one_job(
    image: Image, stores: Mapping[str, Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the stores that are filled by the newest request, or will be.

    Those that were filled by earlier ones, such as the store that an image is
    copied from, say nothing of how far this one is.
    """
    # Data to be imported are staged first.
    staged = stores.get(wire.STAGING_STORE, {}).get('sequence', -1)
    recorded = {
        each['store']: each for each in _recorded(stores)
        if not image.targets or each['sequence'] > staged}
    newest = max(recorded.values(), key=lambda each: each['sequence'],
                 default=None)
    if (newest is not None and image.targets and newest['age'] > GRACE
            and newest['store'] not in image.targets):
        newest = None  # of the time before this import
    return [
        each for store, each in stores.items()
        if store in image.targets or newest is not None
        and store in recorded and each['request_id'] == newest['request_id']]
