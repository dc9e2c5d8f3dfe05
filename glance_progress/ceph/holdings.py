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

"""What is in a pool of images: the names, and what one RBD image is.

It reads and nothing else. An image is opened read-only, which leaves no
watcher and takes no lock.
"""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from glance_progress.ceph import places

try:
    import rados
    import rbd
except ImportError:
    rados = rbd = None

#: The snapshot that the stock driver ends an upload with, as Nova does.
SNAPSHOT = 'snap'


@dataclasses.dataclass(frozen=True)
class Data:
    """An RBD image in the pool of a store.

    :param rbd_id: what Ceph knows it by, whatever its name
    :param size: bytes that it is large
    :param created_at: seconds since the epoch, likewise *modified_at*
    :param watched: whether a client has it open for writing
    :param finished: whether it has the snapshot that ends an upload
    :param cloned: whether it has a parent
    :param held: what else keeps it, in words; None when nothing does
    """

    place: places.Place
    name: str
    rbd_id: str
    size: int = 0
    created_at: float = 0.0
    modified_at: float = 0.0
    watched: bool = False
    finished: bool = False
    cloned: bool = False
    held: str | None = None

    @property
    def store(self) -> str:
        return self.place.store


def failures() -> tuple[type[Exception], ...]:
    """Return the types of what Ceph raises."""
    if rados is None or rbd is None:
        return ()
    return rados.Error, rbd.Error


def names(ioctx: Any) -> dict[str, str]:
    """Return the name of each RBD image in a pool, and its id."""
    return {each['name']: each['id'] for each in rbd.RBD().list2(ioctx)}


def id_of(ioctx: Any, name: str) -> str | None:
    """Return the id of the RBD image of a name; None when there is none.

    It reads what librbd reads first when it opens an image, which takes one
    round trip instead of the dozen that opening takes.
    """
    try:
        value: bytes = ioctx.read('rbd_id.' + name)
    except rados.ObjectNotFound:
        return None
    length = int.from_bytes(value[:4], 'little')
    return value[4:4 + length].decode()


def look(ioctx: Any, place: places.Place, name: str) -> Data | None:
    """Return what the RBD image *name* is; None when there is none.

    :raises: what rados and rbd raise, but for what is not there
    """
    try:
        with rbd.Image(ioctx, name, read_only=True) as image:
            return _data(image, place, name)
    except rbd.ImageNotFound:
        return None
    except rbd.PermissionError:
        return Data(place, name, '', held='this user may not open it')


def look_by_id(
    ioctx: Any, place: places.Place, name: str, rbd_id: str
) -> Data | None:
    """Return what an RBD image is, wherever it is, also in the trash."""
    try:
        with rbd.Image(ioctx, image_id=rbd_id, read_only=True) as image:
            return _data(image, place, name)
    except rbd.ImageNotFound:
        return None


def _data(image: Any, place: places.Place, name: str) -> Data:
    snapshots = [each['name'] for each in image.list_snaps()]
    return Data(
        place, name, image.id(), image.size(),
        _seconds(image.create_timestamp()),
        _seconds(image.modify_timestamp()),
        watched=bool(list(image.watchers_list())),
        finished=SNAPSHOT in snapshots, cloned=_cloned(image),
        held=_held(image, snapshots))


def _seconds(moment: datetime.datetime) -> float:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return moment.timestamp()


def _cloned(image: Any) -> bool:
    try:
        image.parent_info()
    except rbd.ImageNotFound:
        return False
    return True


def _held(image: Any, snapshots: list[str]) -> str | None:
    if list(image.list_descendants()):
        return 'it has clones'
    if set(snapshots) - {SNAPSHOT}:
        return 'somebody has made snapshots of it'
    # librbd's own lock has this tag, and outlives a client that was killed.
    lockers = image.list_lockers()
    if lockers and lockers['tag'] != 'internal':
        return 'somebody has locked it by hand (%s)' % ', '.join(
            '%s, lock %s' % each[:2] for each in lockers['lockers'])
    if image.group()['name']:
        return 'it is in a group'
    if image.mirror_image_get_info()['state'] != _NOT_MIRRORED:
        return 'it is mirrored'
    return None


# ceph: src/include/rbd/librbd.h, rbd_mirror_image_state_t
_NOT_MIRRORED = 2
