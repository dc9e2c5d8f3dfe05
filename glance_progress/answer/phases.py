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

"""The phase that an image is in, and how much of the phase is done.

A new phase takes its name below, the condition for it in of(), and in
_counted() the stores that its percentage is the mean of, unless these are
all that the request fills.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence

from glance_progress.answer import database
from glance_progress.answer import imported
from glance_progress.answer import reconcile
from glance_progress.records import wire

QUEUED = 'queued'
UPLOAD = 'upload'
STAGING = 'staging'
STAGED = 'staged'
IMPORT = 'import'
COPY = 'copy'
DONE = 'done'
FAILED = 'failed'
UNKNOWN = 'unknown'
HASHING = 'hashing'
# and, of wire, those of what was seen in Ceph and of imports' steps


def of(
    image: database.Image, stores: Sequence[reconcile.Store],
    seen: wire.Record | None = None, silent: bool = False,
) -> str:
    """Return the phase of *image*, by what is known of its *stores*.

    :param seen: what was seen of it in Ceph, if that counts
    :param silent: whether nothing was heard of its data for long
    """
    if silent:
        return UNKNOWN
    if image.deleted:
        return FAILED if _any_failed(stores) else DONE
    if image.hashing:
        return HASHING
    if seen is not None and seen.phase is not None:
        return seen.phase
    if image.locating:
        return wire.REGISTERING
    staged = _staged(stores)
    staging = staged is not None and staged.state == wire.UPLOADING
    # Data come to the staging area, or are changed or checked there.
    step = (staged.phase if staged is not None
            and staged.phase in imported.PHASES else STAGING)
    newest = _of_newest_request(_recorded(stores))
    if image.status == 'saving':
        # An upload that has failed may leave its image saving.
        return FAILED if _any_failed(newest) else UPLOAD
    if image.status == 'uploading':
        return STAGING if image.size is None else STAGED
    if image.status == 'active' and image.in_transit:
        return step if staging else COPY
    if (image.status in ('importing', 'queued') and image.importing
            and not imported.has_failed(image, stores)):
        return step if staging else IMPORT
    if image.status == 'queued':
        return FAILED if _any_failed(stores) else QUEUED
    # An import that nobody works on any more has failed.
    if image.status in ('importing', 'killed'):
        return FAILED
    # So has one that has filled some of its stores: the image can be used,
    # and what was asked for has not come to be. Glance knows that of the last
    # import, for good; it is news for as long as there are records.
    if newest and image.unfilled or _any_failed(newest):
        return FAILED
    return DONE


def percent(
    image: database.Image, stores: Sequence[reconcile.Store], phase: str,
    seen: wire.Record | None = None, read: wire.Record | None = None,
) -> float | None:
    """Return how much of *phase* is done; None when that is not known.

    :param seen: what was seen of the image in Ceph, if that counts
    :param read: how much of it Glance has read back, if that is known
    """
    if phase == DONE:
        return 100.0
    if phase == HASHING:
        counted = [read.percent] if read is not None else []
    elif seen is not None:
        counted = [seen.percent]
    else:
        counted = [
            each.percent for each in _counted(image, stores, phase)]
    known = [each for each in counted if each is not None]
    if not known or len(known) < len(counted):
        return None
    # Below 100 until Glance says that it is done.
    return min(99.9, round(sum(known) / len(known), 1))


def _counted(
    image: database.Image, stores: Sequence[reconcile.Store], phase: str
) -> list[reconcile.Store]:
    """Return the stores whose percentages that of *phase* is the mean of."""
    if phase in (STAGING, *imported.PHASES):
        return [each for each in stores if each.store == wire.STAGING_STORE]
    filled = _filled(image, stores)
    return [each for each in stores
            if each.store in image.targets or each in filled]


def _filled(
    image: database.Image, stores: Sequence[reconcile.Store]
) -> list[wire.Record]:
    """Return the records of the request that goes on, or was the last.

    Stores that earlier ones have filled, such as the store that an image is
    copied from, say nothing of how far this one is.
    """
    recorded = _recorded(stores)
    if image.importing and image.targets:
        recorded = [each for each in recorded if reconcile.of_import(
            image, each, _staged(stores)) is not False]
    return _of_newest_request(recorded)


def _of_newest_request(records: Sequence[wire.Record]) -> list[wire.Record]:
    """Return those of *records* that are of the request of the newest one."""
    newest = _newest(records)
    return [each for each in records
            if newest is not None and each.request_id == newest.request_id]


def _newest(records: Iterable[wire.Record]) -> wire.Record | None:
    return max(records, key=lambda each: each.sequence, default=None)


def _any_failed(stores: Iterable[reconcile.Store]) -> bool:
    return any(each.state == wire.FAILED for each in stores)


def _recorded(stores: Iterable[reconcile.Store]) -> list[wire.Record]:
    """Return the records among *stores*, but for that of the staging area."""
    return [each for each in stores if isinstance(each, wire.Record)
            and each.store != wire.STAGING_STORE]


def _staged(stores: Iterable[reconcile.Store]) -> wire.Record | None:
    """Return the record of the staging area, if there is one."""
    return next((each for each in stores if isinstance(each, wire.Record)
                 and each.store == wire.STAGING_STORE), None)
