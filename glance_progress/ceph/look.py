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

"""One look at an RBD image that is being flattened, and what is seen.

It reads and nothing else: no lock is taken, no watcher is left, and nobody is
kept from removing the image or its parent. Most of it are calls of the object
class ``rbd``, by which librbd itself keeps an image's metadata; they need no
right but to read the pool of the images. Ceph's own advice for Glance gives no
more, and the image cannot be opened then, since librbd would open its parent
too, in the pool of the servers.

Errors are those of rados and rbd; what is not there is no error.
"""

from __future__ import annotations

import array
import dataclasses
import struct
from typing import Any

try:
    import rados
    import rbd
except ImportError:
    rados = rbd = None

# ceph: src/include/rados.h and src/include/rbd/features.h
_NO_SNAPSHOT = struct.pack('<Q', 2 ** 64 - 2)
_READ_ONLY = b'\1'
_OBJECT_MAP = 1 << 3
_OBJECT_MAP_INVALID = 1

# What an answer of an object class has beside its data, and to spare.
_MARGIN = 4096

# Objects that exist of the four that a byte of an object map tells of, two
# bits each; 0 is one that does not exist (include/rbd/object_map_types.h).
_EXISTING = bytes(sum(bool(byte >> shift & 3) for shift in (0, 2, 4, 6))
                  for byte in range(256))


@dataclasses.dataclass(frozen=True)
class Seen:
    """What one look has seen of an RBD image.

    :param size: bytes
    :param object_size: bytes of a whole object
    :param created_at: seconds since the epoch; None where Ceph does not say
    :param overlap: bytes that its parent has to give; None without a parent
    :param existing: number of its own objects that exist, or are about to be
        written; None when that cannot be known
    :param reached: number of its objects up to the last that exists; likewise
    :param quick: whether that was read from an object map, not from the
        objects
    """

    size: int
    object_size: int
    created_at: float | None
    overlap: int | None
    existing: int | None = None
    reached: int | None = None
    quick: bool = True


def possible() -> bool:
    """Whether the bindings are there."""
    return rados is not None and rbd is not None


def refused(exc: Exception) -> bool:
    """Whether Ceph has said *exc*, as of a pool that is not there."""
    return isinstance(exc, (
        rados.ObjectNotFound, rados.PermissionError,
        rados.PermissionDeniedError))


class Unreadable(Exception):
    """What was asked for is there, but it is not for this user."""


def look(ioctx: Any, name: str) -> Seen | None:
    """Return what *ioctx* shows of the RBD image *name*; None for no such."""
    try:
        image_id = _text(_ask(ioctx, 'rbd_id.' + name, 'get_id'))
        header = 'rbd_header.' + image_id
        order, size = struct.unpack_from('<BQ', _ask(
            ioctx, header, 'get_size', _NO_SNAPSHOT))
        features, = struct.unpack_from('<Q', _ask(
            ioctx, header, 'get_features', _NO_SNAPSHOT + _READ_ONLY))
        seen = Seen(size, 1 << order, _created_at(ioctx, header),
                    _overlap(ioctx, header))
    except rados.ObjectNotFound:
        return None  # or no longer
    if features & _OBJECT_MAP and not _invalid(ioctx, header):
        objects = -(-size // seen.object_size)
        try:
            bits = _object_map(ioctx, image_id, objects)
        except rados.ObjectNotFound:
            return None
        return dataclasses.replace(
            seen, existing=sum(bits.translate(_EXISTING)),
            reached=_reached(bits))
    try:
        own = objects_of(ioctx, name, seen.object_size, with_parent=False)
    except Unreadable:
        return dataclasses.replace(seen, quick=False)
    if own is None:
        return None
    return dataclasses.replace(
        seen, existing=len(own), reached=own[-1] + 1 if own else 0,
        quick=False)


def objects_of(
    ioctx: Any, name: str, object_size: int, with_parent: bool = True
) -> array.array[int] | None:
    """Return the numbers of the objects that have data, in order.

    A few milliseconds where all images have fast-diff, and otherwise the time
    to ask for each object.

    :param with_parent: count the data that it has from its parent, and that
        one from its own
    :returns: None when there is no such image
    :raises Unreadable: this user may not open it, or its parent
    """
    found = array.array('Q')

    def note(offset: int, length: int, exists: bool) -> None:
        if not exists or not length:
            return
        first = offset // object_size
        # Objects of a parent may be smaller, and come one by one.
        if found and found[-1] >= first:
            first = found[-1] + 1
        found.extend(range(first, -(-(offset + length) // object_size)))

    try:
        with rbd.Image(ioctx, name, read_only=True) as image:
            image.diff_iterate(0, image.size(), None, note,
                               include_parent=with_parent, whole_object=True)
    except rbd.ImageNotFound:
        return None
    except rbd.PermissionError as exc:
        raise Unreadable(str(exc)) from exc
    return found


def _ask(ioctx: Any, key: str, method: str, data: bytes = b'',
         length: int = _MARGIN) -> bytes:
    answer: bytes = ioctx.execute(key, 'rbd', method, data, length)[1]
    return answer


def _text(data: bytes) -> str:
    length, = struct.unpack_from('<I', data)
    return data[4:4 + length].decode()


def _created_at(ioctx: Any, header: str) -> float | None:
    seconds, fraction = struct.unpack_from('<II', _ask(
        ioctx, header, 'get_create_timestamp'))
    return seconds + fraction / 1e9 if seconds else None


def _overlap(ioctx: Any, header: str) -> int | None:
    # Begins with whether there is one.
    answer = _ask(ioctx, header, 'parent_overlap_get', _NO_SNAPSHOT)
    return struct.unpack_from('<Q', answer, 1)[0] if answer[0] else None


def _invalid(ioctx: Any, header: str) -> bool:
    flags, = struct.unpack_from(
        '<Q', _ask(ioctx, header, 'get_flags', _NO_SNAPSHOT))
    return bool(flags & _OBJECT_MAP_INVALID)


def _object_map(ioctx: Any, image_id: str, objects: int) -> bytes:
    """Return the bits of an object map (ceph: src/common/bit_vector.hpp)."""
    # A checksum for each 4096 bytes of it comes with them.
    length = -(-objects // 4)
    answer = _ask(ioctx, 'rbd_object_map.' + image_id, 'object_map_load',
                  length=length + length // 1024 + _MARGIN)
    count, = struct.unpack_from('<Q', answer, 10)
    return answer[18:18 + -(-count // 4)]


def _reached(bits: bytes) -> int:
    full = bits.rstrip(b'\0')
    if not full:
        return 0
    # The first of the four is in the highest bits.
    last = full[-1]
    behind = next(n for n in range(4) if last >> 2 * n & 3)
    return 4 * len(full) - behind
