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

"""What lets an upload write, hash and read at once, within bounds.

Both classes take chunks one by one, in order, and return before the work on
them is done. Both hold at most a given number of chunks; then the caller
waits. In a crowd (:mod:`glance_progress.driver.crowd`) they hold none, and
return when the work is done.

Nothing is copied for a write, neither here nor in librbd
(:mod:`glance_progress.driver.in_place`).

A thread of librbd calls back when a write is complete, and finds nothing to do
(_ignore), for which it takes the GIL. So nothing here can hold up librbd for
longer than that, and all of it is as right under eventlet as without.
"""

from __future__ import annotations

import collections
import errno
import queue
import threading
from typing import Any

from glance_progress.driver import crowd

#: What the binding makes of an error number. It keeps its own table to
#: itself, and a completion has nothing but the number.
_EXCEPTIONS = {
    errno.EPERM: 'PermissionError',
    errno.ENOENT: 'ImageNotFound',
    errno.EIO: 'IOError',
    errno.ENOSPC: 'NoSpace',
    errno.EEXIST: 'ImageExists',
    errno.EINVAL: 'InvalidArgument',
    errno.EROFS: 'ReadOnlyImage',
    errno.EBUSY: 'ImageBusy',
    errno.ENOTEMPTY: 'ImageHasSnapshots',
    errno.ENOSYS: 'FunctionNotSupported',
    errno.EDOM: 'ArgumentOutOfRange',
    errno.ESHUTDOWN: 'ConnectionShutdown',
    errno.ETIMEDOUT: 'Timeout',
    errno.EDQUOT: 'DiskQuotaExceeded',
    errno.EOPNOTSUPP: 'OperationNotSupported',
    errno.ECANCELED: 'OperationCanceled',
}


def error(rbd: Any, number: int, message: str) -> Exception:
    """Return the exception that *rbd* raises for an error number."""
    known = getattr(rbd, _EXCEPTIONS.get(number, ''), rbd.OSError)
    exc: Exception = known(message, errno=number)
    return exc


def _ignore(completion: Any) -> None:
    """Do nothing when a write is complete.

    The binding calls back in any case, and crashes the process if it has
    been given None and the completion is gone by then.
    """


class Writes:
    """Writes chunks to an RBD image, several at a time.

    :param rbd: the binding
    :param image: an open image
    :param name: of the image, for messages
    :param limit: number of writes in flight
    """

    def __init__(self, rbd: Any, image: Any, name: str, limit: int) -> None:
        self._rbd = rbd
        self._image = image
        self._name = name
        self._limit = limit
        # The oldest is the first. The data stay until they are written, for
        # librbd does not copy them.
        self._pending: collections.deque[tuple[int, Any, bytes]] = (
            collections.deque())
        # Place and error number of the first write, by its place, that
        # failed. No exception, which would hold the data of its frames, and
        # through them itself.
        self._failed: tuple[int, int] | None = None
        #: Whether a failed write has been raised.
        self.raised = False

    def write(self, data: Any, offset: int, *args: Any) -> Any:
        """Begin to write *data* (bytes) at *offset*.

        :raises rbd.Error: what a write has failed with, this or an earlier
            one; then none is in flight
        """
        # The asynchronous call takes what the other refuses, and does not
        # tell that it has cut off what is beyond the image's end.
        if (not isinstance(data, bytes)
                or offset + len(data) > self._image.size()):
            self.drain()
            return self._image.write(data, offset, *args)
        crowded = crowd.is_there()
        if crowded or self._has_failed():
            self.drain()
        while len(self._pending) >= self._limit:
            self._wait_for_oldest()
        self.check()
        completion = self._image.aio_write(data, offset, _ignore, *args)
        self._pending.append((offset, completion, data))
        if crowded:
            self.drain()
        return len(data)

    def drain(self) -> None:
        """Wait until no write is in flight.

        :raises rbd.Error: what the first write that failed has failed with
        """
        self.settle()
        self.check()

    def settle(self) -> None:
        """Wait until no write is in flight, however they end."""
        while self._pending:
            self._wait_for_oldest()

    def check(self) -> None:
        """Raise what a write has failed with that was waited for."""
        if self._failed is not None:
            self.settle()
            self.raised = True
            raise error(self._rbd, self._failed[1],
                        'error writing to %r' % self._name.encode())

    def completed(self, taken: int) -> int:
        """Return how many bytes from the image's start on are written.

        It may be asked from another thread than the one that writes.

        :param taken: number of bytes that write() was given or that need no
            writing, from a moment before this call
        """
        for offset, completion, _ in tuple(self._pending):
            if (not completion.is_complete()
                    or completion.get_return_value() < 0):
                return min(offset, taken)
        return taken if self._failed is None else min(self._failed[0], taken)

    def _has_failed(self) -> bool:
        return any(completion.is_complete()
                   and completion.get_return_value() < 0
                   for _, completion, _ in self._pending)

    def _wait_for_oldest(self) -> None:
        offset, completion, _ = self._pending[0]
        # In librbd, without the GIL. Under eventlet this stops the hub, as
        # the stock driver's writes do.
        completion.wait_for_complete_and_cb()
        result = completion.get_return_value()
        if result < 0 and self._failed is None:
            self._failed = offset, -result
        self._pending.popleft()


class Hasher:
    """Stands in for a hash object, and works in a thread of its own.

    The thread begins with the first chunk and ends with finish() or
    abandon(), of which one must be called. Where the system has no thread
    left, the hash object works in the caller's.

    :param hasher: the hash object
    :param limit: number of chunks held
    :param member: the upload that is hashed
    """

    def __init__(self, hasher: Any, limit: int, member: crowd.Member) -> None:
        self._hasher = hasher
        self._member = member
        self._limit = limit
        self._room = threading.Semaphore(limit)
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._failure: BaseException | None = None
        self._abandoned = False
        self._inline = False
        self._thread: threading.Thread | None = None

    def update(self, chunk: Any) -> None:
        """Begin to hash *chunk*, after all that came before it.

        In a crowd it is hashed at once, and what the hash object raises then
        is raised here.

        What is not bytes may change once this has returned, and is copied.
        """
        if not isinstance(chunk, bytes):
            chunk = bytes(chunk)
        if crowd.is_there():
            self._update_at_once(chunk)
            return
        if self._thread is None and not self._inline:
            thread = threading.Thread(
                target=self._run, name='glance-progress-hash', daemon=True)
            try:
                thread.start()
                self._thread = thread
            except RuntimeError:
                self._inline = True
        if self._inline:
            self._update(chunk)
            return
        self._room.acquire()
        self._queue.put(chunk)

    def _update_at_once(self, chunk: bytes) -> None:
        # Whoever has all the room knows that nothing waits.
        for _ in range(self._limit):
            self._room.acquire()
        try:
            self._update(chunk)
        finally:
            for _ in range(self._limit):
                self._room.release()

    def _update(self, chunk: bytes) -> None:
        with self._member.hashing():
            self._hasher.update(chunk)

    def hexdigest(self) -> str:
        """Return the digest of all chunks."""
        self.finish()
        digest: str = self._hasher.hexdigest()
        return digest

    def finish(self) -> None:
        """Wait until all chunks are hashed, and end the thread.

        :raises: what the hash object has raised
        """
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None
        failure, self._failure = self._failure, None
        try:
            if failure is not None:
                raise failure
        finally:
            del failure  # its frames hold it

    def abandon(self) -> None:
        """End the thread; what it has not hashed yet does not matter."""
        self._abandoned = True
        try:
            self.finish()
        except BaseException:
            pass

    def _run(self) -> None:
        while True:
            chunk = self._queue.get()
            if chunk is None:
                return
            try:
                if not self._abandoned and self._failure is None:
                    self._update(chunk)
            except BaseException as exc:
                self._failure = exc
            # Not held while waiting for the next one.
            del chunk
            self._room.release()
