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

"""Keeps an upload to the RBD image that it has made itself.

glance_store goes by names. Meanwhile another RBD image may have come to be
under the name: when a process was frozen for minutes, its client counts as
dead, what it has written goes to the trash, and the image is uploaded again.
When the process goes on, it must neither have its own data registered, which
are no longer there, nor take away the other's when it cleans up.

Such an upload ends with NotFound. That is what Glance takes for a deletion in
the middle of an upload; of all exceptions, it alone leaves the image's row as
it is, which is the other upload's by then.
"""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import contextvars
from typing import Any

from glance_store import exceptions
from oslo_log import log as logging

from glance_progress.ceph import holdings
from glance_progress import warning

LOG = logging.getLogger(__name__)

_fault = warning.Hourly(LOG)

_current: contextvars.ContextVar[Fence | None] = contextvars.ContextVar(
    'fence', default=None)


class Displaced(exceptions.NotFound):  # type: ignore[misc]
    """What an upload has written is no longer there under its name."""


class Fence:
    """Knows the RBD image of one upload."""

    def __init__(self) -> None:
        self._name = ''
        self._rbd_id: str | None = None
        #: Whether another is, or none, under the name of that.
        self.displaced = False

    def made(self, ioctx: Any, name: str) -> None:
        """The upload has made an RBD image."""
        self._name = name
        try:
            self._rbd_id = holdings.id_of(ioctx, name)
        except Exception as exc:
            _fault.say('An upload does not know its RBD image.', exc=exc)

    def check(self, ioctx: Any) -> None:
        """See whether the RBD image is still there under its name.

        :raises Displaced: it is not
        """
        if self._rbd_id is None:
            return
        try:
            there = holdings.id_of(ioctx, self._name)
        except Exception as exc:
            _fault.say('An upload cannot see its RBD image.', exc=exc)
            return
        if there == self._rbd_id:
            return
        if not self.displaced:
            LOG.error(
                'The RBD image that this upload of image %s has written, id '
                '%s, is no longer there under this name. What is there now '
                'is left alone.', self._name, self._rbd_id)
        self.displaced = True
        raise self.not_found()

    def not_found(self) -> Displaced:
        """Return what a displaced upload raises."""
        return Displaced(image=self._name)


def current() -> Fence | None:
    """Return that of the upload that this thread is at, None for none."""
    return _current.get()


@contextlib.contextmanager
def around() -> Iterator[Fence]:
    """Fence the upload in the block.

    :raises Displaced: instead of what a displaced upload raises
    """
    fence = Fence()
    token = _current.set(fence)
    try:
        yield fence
    except Displaced:
        raise
    except Exception as exc:
        if fence.displaced:
            raise fence.not_found() from exc
        raise
    finally:
        _current.reset(token)
