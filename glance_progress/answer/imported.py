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
"""What the staging area's record says of an import, besides its bytes."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
from typing import TypeVar

from glance_progress.answer import database
from glance_progress.answer import reconcile
from glance_progress.records import wire

_Store = TypeVar('_Store', wire.Record, reconcile.Store)

#: What an import does in the staging area, as a phase of the image.
PHASES = (wire.DECOMPRESSING, wire.CONVERTING, wire.VERIFYING)


def with_reasons(
    stores: Sequence[_Store], known: Sequence[reconcile.Store]
) -> list[_Store]:
    """Return *stores*, which say why their import failed if that is known.

    Glance knows which of them an import has failed to fill, and not why.

    :param known: all stores, with the staging area
    """
    staged = _staged(known)
    if staged is None or staged.state != wire.FAILED:
        return list(stores)
    return [dataclasses.replace(each, failure=staged.failure)
            if each.failure == reconcile.IMPORT_FAILED else each
            for each in stores]


def has_failed(
    image: database.Image, stores: Sequence[reconcile.Store]
) -> bool:
    """Tell whether the import has failed that holds the lock on *image*.

    Glance keeps the lock when it fails to undo what the import has done.
    """
    staged, lock = _staged(stores), image.lock
    if (image.status != 'queued' or image.targets or staged is None
            or staged.state != wire.FAILED or lock is None):
        return False
    own = image.is_of_import(staged.request_id)
    if own is None:
        return lock.since is not None and staged.updated_at >= lock.since
    return own


def _staged(stores: Sequence[reconcile.Store]) -> wire.Record | None:
    return next((each for each in stores if isinstance(each, wire.Record)
                 and each.store == wire.STAGING_STORE), None)
