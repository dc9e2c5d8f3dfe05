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

"""What the API answers for an image: which fields, in which form, for whom."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
from typing import Any

from glance_progress.answer import beside
from glance_progress.answer import database
from glance_progress.answer import expected
from glance_progress.answer import imported
from glance_progress.answer import locks
from glance_progress.answer import phases
from glance_progress.answer import reconcile
from glance_progress.answer import silence
from glance_progress.answer import waits
from glance_progress.records import wire

# Fields of a store that nobody can fill without a record.
_OF_RECORDS = (
    'started_at', 'started_at_iso', 'updated_at', 'updated_at_iso',
    'sequence', 'request_id', 'bytes_per_second', 'eta', 'age', 'measured_by',
    'bytes_received', 'expected_bytes')

# Fields of a record that tell how much was read.
_OF_READING = ('total_bytes', 'percent', 'bytes_per_second', 'eta', 'age',
               'stalled')


def describe(
    image: database.Image, records: Mapping[str, wire.Record], now: float,
    stalled_after: float, admin: bool = False, owner: bool = False,
    silent_after: float | None = None,
) -> dict[str, Any]:
    """Return what the API answers for *image*, ready for JSON.

    :param records: what memcached holds of the image, by store
    :param now: seconds since the epoch
    :param stalled_after: seconds after which an upload counts as stalled
    :param admin: whether to name the hosts that upload
    :param owner: whether to name the requests that upload, as for admins
    :param silent_after: seconds after which memcached has forgotten what was
        last heard of an upload; None when it was not heard itself
    """
    found = reconcile.stores(image, records, now)
    stores = imported.with_reasons(found, found)
    last = reconcile.last_failure(image, records, now)
    failures = imported.with_reasons([] if last is None else [last], found)
    seen = beside.seen(image, records)
    silent_since = silence.since(image, stores, now, silent_after)
    phase = phases.of(image, stores, seen, silent_since is not None)
    read = beside.read(image, records)
    wait = waits.of(image, stores, phase)
    requests = admin or owner
    expecting = expected.size(image, phase)
    return {
        'image_id': image.image_id,
        'name': image.name,
        'owner': image.owner,
        'status': image.status,
        'phase': phase,
        'size': image.size,
        'percent': phases.percent(image, stores, phase, seen, read),
        'source': 'ceph' if seen is not None else _source(stores),
        'stores': [
            _unrecorded(each) if isinstance(each, reconcile.Unrecorded)
            else {**_recorded(each, now, stalled_after, admin, requests),
                  'expected_bytes': expected.of_store(each, expecting)}
            for each in sorted(stores, key=lambda each: each.store)],
        'last_failure': next(
            (_last_failure(each, requests) for each in failures), None),
        'hashed': _hashed(read, now, stalled_after),
        **_waiting(wait),
        'import_lock': locks.describe(image, records.values(), now),
        'silent_since': silent_since,
        'silent_since_iso': (
            None if silent_since is None else wire.iso(silent_since)),
        'volume_snapshots': _volume_snapshots(image),
    }


def _volume_snapshots(image: database.Image) -> list[str] | None:
    """Return what holds the data of an image that has none of its own."""
    if image.size != 0 or not image.volume_snapshots:
        return None
    return list(image.volume_snapshots)


def _waiting(wait: waits.Wait | None) -> dict[str, Any]:
    """Return what there is to say of what an image waits for."""
    since = None if wait is None else wait.since
    return {'waiting_for': None if wait is None else wait.what,
            'waiting_since': since,
            'waiting_since_iso': None if since is None else wire.iso(since)}


def _source(stores: Sequence[reconcile.Store]) -> str:
    """Return ``memcached`` if it knows anything of the image."""
    recorded = any(isinstance(each, wire.Record) for each in stores)
    return 'memcached' if recorded else 'database'


def _recorded(
    record: wire.Record, now: float, stalled_after: float, hosts: bool,
    requests: bool,
) -> dict[str, Any]:
    """Return what there is to say of a store by its *record*.

    :param hosts: whether to name the host that writes
    :param requests: whether to name the request that brought the data in
    """
    fields = record.describe(now, stalled_after)
    del fields['image_id']
    fields['sequence'] //= wire.SEQUENCES_SHOWN
    if not hosts:
        del fields['host']
    if not requests:
        fields['request_id'] = None
    return fields


def _hashed(
    record: wire.Record | None, now: float, stalled_after: float
) -> dict[str, Any] | None:
    """Return what there is to say of what Glance has read back, to hash it."""
    if record is None:
        return None
    fields = record.describe(now, stalled_after)
    return {'bytes_read': record.bytes_written,
            **{name: fields[name] for name in _OF_READING}}


def _unrecorded(store: reconcile.Unrecorded) -> dict[str, Any]:
    """Return what there is to say of a *store* without record."""
    return {
        **dataclasses.asdict(store), 'percent': store.percent,
        'stalled': False, **dict.fromkeys(_OF_RECORDS)}


def _last_failure(record: wire.Record, requests: bool) -> dict[str, Any]:
    """Return what there is to say of the newest upload that has failed.

    :param requests: whether to name the request that brought the data in
    """
    return {
        'store': record.store,
        'failure': record.failure,
        'updated_at': record.updated_at,
        'updated_at_iso': wire.iso(record.updated_at),
        'request_id': record.request_id if requests else None,
    }
