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

"""Makes room for an upload where one that is over has left its data.

An upload that was broken while Ceph could not be reached leaves an RBD image
that it could not take away, and all that come after it would fail. What is
there counts as left behind if

- Glance has begun this upload from ``queued``, of an image without locations
  that is no snapshot of Nova's: by Glance's row, no other upload is under way,
  and nothing is registered;
- it has not the snapshot that ends an upload, no parent, no clones, nor
  anything else that keeps it;
- at neither of two looks has any client that open.

It goes to the trash, and not for good. A process that was frozen, and would
write it still, is fenced (:mod:`glance_progress.driver.fence`).
"""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import contextvars
import time
from typing import Any

from oslo_log import log as logging

from glance_progress.ceph import clusters
from glance_progress.ceph import disposal
from glance_progress.ceph import holdings
from glance_progress.ceph import journal
from glance_progress.ceph import places
from glance_progress.ceph import trash
from glance_progress import warning

LOG = logging.getLogger(__name__)

#: Seconds between two looks: who makes an RBD image opens it at once.
BETWEEN_LOOKS = 5

# Seconds for a call of Ceph's: a move that is given up in the middle leaves a
# name that neither is free nor has an RBD image.
_TIMEOUT = 60

#: Seconds for which the trash keeps what has made room.
EXPIRE = 7 * 24 * 3600

_WHY = 'another upload of the image has taken its place'

_fault = warning.Hourly(LOG)

# The ids of images that the request at hand is the only one to upload.
_own: contextvars.ContextVar[set[str] | None] = contextvars.ContextVar(
    'own', default=None)


@contextlib.contextmanager
def request() -> Iterator[None]:
    """A request is handled in the block, which may come to upload."""
    token = _own.set(set())
    try:
        yield
    finally:
        _own.reset(token)


def permit(image_id: str) -> None:
    """The request at hand is the only one that uploads an image.

    And no location names any data of it.
    """
    own = _own.get()
    if own is not None:
        own.add(image_id)


def clear(place: places.Place, name: str) -> bool:
    """Return whether there is room for an RBD image now; never raise."""
    try:
        with contextlib.closing(clusters.Clusters(_TIMEOUT)) as own:
            return _clear(own.ioctx(place), place, name)
    except trash.Alive as exc:
        kept = str(exc)
    except journal.Locked:
        kept = 'glance-progress leftovers removes at this moment'
    except Exception as exc:
        _fault.say('Whether an upload can have its place is not known.',
                   exc=exc)
        return False
    LOG.warning(
        'Image %s cannot be stored: its pool has an RBD image of this name, '
        'and %s. If that was left behind by an upload that was killed, '
        '"glance-progress leftovers" says so, and takes it away.', name, kept)
    return False


def _clear(ioctx: Any, place: places.Place, name: str) -> bool:
    data = holdings.look(ioctx, place, name)
    if data is None:
        return True
    kept = _kept(data)
    if kept is not None:
        raise trash.Alive(kept)
    time.sleep(BETWEEN_LOOKS)
    lock = journal.Lock(ioctx)
    lock.renew()
    try:
        disposal.note(ioctx, data, 'data', _WHY, 'saving')
        disposal.move(ioctx, data, EXPIRE)
    finally:
        lock.release()
    return True


def _kept(data: holdings.Data) -> str | None:
    if data.name not in (_own.get() or ()):
        return 'Glance does not tell that nobody else writes it'
    if data.watched:
        return 'a client has it open'
    if data.finished:
        return 'it is whole'
    if data.cloned:
        return 'it is a clone'
    return data.held
