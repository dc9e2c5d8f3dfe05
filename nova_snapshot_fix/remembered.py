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


"""What a rebuild is about to drop, kept in the server's system_metadata.

Nova's rebuild replaces all ``image_*`` keys before it knows whether the server
can be rebuilt at all. When the scheduler refuses, Nova puts back image_ref and
nothing else. What is kept here is enough to put back the rest.

It is one JSON text, cut into values of 255 characters, which is what a value
of system_metadata holds. It must not stay for longer than the rebuild takes:
Nova copies all of system_metadata to the properties of a snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import json
from typing import Any
from typing import Optional
from typing import Union

#: What Nova puts before the names of an image's properties
#: (nova.utils.SM_IMAGE_PROP_PREFIX).
IMAGE_PREFIX = 'image_'

#: What the keys begin with; a number follows.
PREFIX = 'nova_snapshot_fix:'

# instance_system_metadata.value is a String(255) (nova/db/main/models.py).
_VALUE_SIZE = 255

#: Columns of an instance that a rebuild takes from the image.
COLUMNS = ('architecture', 'auto_disk_config', 'kernel_id', 'os_type',
           'ramdisk_id', 'root_device_name', 'vm_mode')

Metadata = Mapping[str, Optional[str]]

#: Values of columns of an instance.
Columns = dict[str, Union[str, bool, None]]


@dataclasses.dataclass(frozen=True)
class Remembered:
    """The metadata of a server, as recorded before a rebuild.

    ``image_ref`` is the server's, and ``requested`` the id of the image in its
    RequestSpec, None for none. ``request_id`` is that of the request for the
    rebuild, by which Nova's record of the server's actions has it.
    ``written`` says that the server has got all of this back already, and
    that the image in its RequestSpec is what is left to do.
    """

    image_ref: str | None
    requested: str | None
    request_id: str | None
    image_metadata: dict[str, str | None]
    columns: Columns
    written: bool = False


def image_metadata(metadata: Metadata) -> dict[str, str | None]:
    """Return what *metadata* holds of the image."""
    return {key: value for key, value in metadata.items()
            if key.startswith(IMAGE_PREFIX)}


def keys(metadata: Metadata) -> set[str]:
    """Return the keys of *metadata* that something is remembered in."""
    return {key for key in metadata if key.startswith(PREFIX)}


def pack(remembered: Remembered) -> dict[str, str | None]:
    """Return the keys and values that hold *remembered*."""
    text = json.dumps(dataclasses.asdict(remembered), separators=(',', ':'))
    return {PREFIX + str(number): text[start:start + _VALUE_SIZE]
            for number, start in enumerate(range(0, len(text), _VALUE_SIZE))}


def unpack(metadata: Metadata) -> Remembered | None:
    """Return what *metadata* remembers; None if that is nothing of use."""
    pieces = [metadata.get(PREFIX + str(number))
              for number in range(len(keys(metadata)))]
    try:
        fields = json.loads(''.join(piece or '' for piece in pieces))
        # Another version may have written more, or less.
        found = Remembered(**{
            field.name: fields[field.name]
            for field in dataclasses.fields(Remembered)
            if field.name in fields or field.default is dataclasses.MISSING})
    except (KeyError, TypeError, ValueError):
        return None
    text = (str, type(None))
    if not (isinstance(found.image_ref, text)
            and isinstance(found.requested, text)
            and isinstance(found.request_id, text)
            and isinstance(found.written, bool)
            and _holds(found.image_metadata, text)
            and _holds(found.columns, (*text, bool))):
        return None
    return dataclasses.replace(found, columns={
        name: value for name, value in found.columns.items()
        if name in COLUMNS})


def _holds(value: Any, types: tuple[type, ...]) -> bool:
    return isinstance(value, dict) and all(
        isinstance(each, types) for each in value.values())
