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

"""What is told of an image besides uploads of it.

Nova's direct snapshots come to be in Ceph, which is looked at; and since
2024.2 (29) Glance reads an image back whose location it was given, to hash it.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses

from glance_progress.answer import database
from glance_progress.records import wire

_PHASES = (wire.PREPARING, wire.FLATTENING, wire.REGISTERING)


def seen(
    image: database.Image, records: Mapping[str, wire.Record]
) -> wire.Record | None:
    """Return what was seen of *image* in Ceph, if Glance still awaits it.

    :param records: what memcached holds of the image, by place
    """
    record = records.get(wire.LOOKED)
    if record is None or not image.awaited or record.phase not in _PHASES:
        return None
    if record.phase == wire.FLATTENING:
        return record
    # Anybody may make an image whose data are yet to come, and Ceph may hold
    # what an upload has left behind.
    failed = any(each.state == wire.FAILED for each in records.values())
    if not image.of_server or record.phase == wire.PREPARING and failed:
        return None
    return record


def store_of(record: wire.Record) -> wire.Record | None:
    """Return *record* as that of the store where it was seen.

    None when it was seen in none, or its bytes could not be measured.
    """
    if record.found_in is None or record.measured_by is None:
        return None
    return dataclasses.replace(record, store=record.found_in)


def read(
    image: database.Image, records: Mapping[str, wire.Record]
) -> wire.Record | None:
    """Return the record of how much of *image* Glance has read, to hash it.

    None when that is not known, or not what goes on.
    """
    return records.get(wire.HASHED) if image.hashing else None
