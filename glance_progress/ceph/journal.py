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

"""What was moved to the trash of a pool, and the lock of who moves.

Both are one small object in the pool, since two who move need not be on one
host, and since Ceph's trash does not say who has put something there, or why.
"""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import json
import socket
from typing import Any
import uuid

try:
    import rados
except ImportError:
    rados = None

#: Name of the object.
OBJECT = 'glance_progress_leftovers'

#: Seconds after which the lock of a holder that was killed is free.
LOCK_SECONDS = 300

# rados.h: LIBRADOS_LOCK_FLAG_RENEW
_RENEW = 1
_LOCK = 'removal'
_PAGE = 1000


class Locked(Exception):
    """Another run removes or restores."""


class Lock:
    """Is held by one at a time, in one pool."""

    def __init__(self, ioctx: Any) -> None:
        self._ioctx = ioctx
        self._cookie = str(uuid.uuid4())

    def renew(self) -> None:
        """Hold it for LOCK_SECONDS from now on.

        :raises Locked: somebody else holds it
        """
        try:
            self._ioctx.lock_exclusive(
                OBJECT, _LOCK, self._cookie, socket.gethostname(),
                LOCK_SECONDS, _RENEW)
        except (rados.ObjectBusy, rados.ObjectExists) as exc:
            raise Locked('another run removes or restores') from exc

    def release(self) -> None:
        with contextlib.suppress(rados.ObjectNotFound):
            self._ioctx.unlock(OBJECT, _LOCK, self._cookie)


def write(ioctx: Any, rbd_id: str, entry: dict[str, Any]) -> None:
    """Note of an RBD image that it is moved, and why."""
    with rados.WriteOpCtx() as operation:
        ioctx.set_omap(operation, (rbd_id,), (json.dumps(entry).encode(),))
        ioctx.operate_write_op(operation, OBJECT)


def erase(ioctx: Any, rbd_id: str) -> None:
    """Forget an RBD image."""
    with rados.WriteOpCtx() as operation:
        ioctx.remove_omap_keys(operation, (rbd_id,))
        ioctx.operate_write_op(operation, OBJECT)


def read(ioctx: Any) -> dict[str, dict[str, Any]]:
    """Return what was noted, by the ids of RBD images."""
    return dict(_pages(ioctx))


def _pages(ioctx: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    after = ''
    while True:
        with rados.ReadOpCtx() as operation:
            found, _ = ioctx.get_omap_vals(operation, after, '', _PAGE)
            try:
                ioctx.operate_read_op(operation, OBJECT)
            except rados.ObjectNotFound:
                return
            page = list(found)
        for key, value in page:
            yield key, json.loads(value)
        if len(page) < _PAGE:
            return
        after = page[-1][0]
