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

"""Moves RBD images to Ceph's trash, and back.

Ceph moves also what a client has open (16.2), and that client goes on writing
to it. So whoever moves looks once more afterwards, and moves back what lives.
"""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
import datetime
from typing import Any

from glance_progress.ceph import holdings
from glance_progress.ceph import places

try:
    import rbd
except ImportError:
    rbd = None


@dataclasses.dataclass(frozen=True)
class Entry:
    """An RBD image in the trash.

    :param until: seconds since the epoch, when it may be purged
    """

    place: places.Place
    name: str
    rbd_id: str
    until: float


class Alive(Exception):
    """It is not what it was, or somebody uses it; nothing has been changed."""


class InTheWay(Exception):
    """There is another RBD image of that name."""


def entries(ioctx: Any, place: places.Place) -> list[Entry]:
    """Return what is in the trash of a pool."""
    return [Entry(place, each['name'], each['id'],
                  each['deferment_end_time'].replace(
                      tzinfo=datetime.timezone.utc).timestamp())
            for each in rbd.RBD().trash_list(ioctx)]


def move(
    ioctx: Any, data: holdings.Data, delay: int,
    allowed: Callable[[], bool] = lambda: True,
) -> None:
    """Move *data* to the trash, if it is still as it was.

    :param delay: seconds for which nobody may purge it
    :param allowed: called when it is there; if false, it is moved back
    :raises Alive: it has changed, is open, or is not allowed
    """
    if holdings.look(ioctx, data.place, data.name) != data or data.watched:
        raise Alive('the RBD image has changed')
    try:
        rbd.RBD().trash_move(ioctx, data.name, delay)
    except rbd.ImageNotFound as exc:
        raise Alive('the RBD image is gone') from exc
    moved = data.rbd_id
    try:
        now = holdings.look_by_id(ioctx, data.place, data.name, data.rbd_id)
        in_trash = {each.rbd_id for each in entries(ioctx, data.place)
                    if each.name == data.name}
        if data.rbd_id not in in_trash:
            # Another has come under this name between two calls.
            moved = next(iter(in_trash - {data.rbd_id}), '')
            fine = False
        else:
            fine = now == data and allowed()
    except BaseException:
        _back(ioctx, moved, data.name)
        raise
    if not fine:
        _back(ioctx, moved, data.name)
        raise Alive('the RBD image has come to be used')


def restore(ioctx: Any, entry: Entry) -> None:
    """Bring an RBD image back under its name.

    :raises InTheWay: there is another of that name
    """
    try:
        rbd.RBD().trash_restore(ioctx, entry.rbd_id, entry.name)
    except rbd.ImageExists as exc:
        raise InTheWay(entry.name) from exc


def _back(ioctx: Any, rbd_id: str, name: str) -> None:
    if rbd_id:
        rbd.RBD().trash_restore(ioctx, rbd_id, name)
