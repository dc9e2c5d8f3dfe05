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

"""The life of one upload, told to the publisher.

Nothing here raises, and nothing waits for longer than _FIRST_RECORD_TIMEOUT:
an upload is worth more than its progress.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import contextvars
import dataclasses
import socket
import threading
import time
from typing import Any
import weakref

from oslo_config import cfg
from oslo_log import log as logging

from glance_progress.driver import ending
from glance_progress.driver import failure
from glance_progress.driver import meter
from glance_progress import process
from glance_progress.records import publisher
from glance_progress.records import wire
from glance_progress import warning

LOG = logging.getLogger(__name__)

#: Seconds from the start of an upload in which its first record may hold up
#: its first byte. A healthy memcached takes one or two milliseconds, and
#: opening the connection to Ceph takes more than this.
_FIRST_RECORD_TIMEOUT = 0.05

#: Bytes that are worth a record. Drivers other than RBD's, and iterators of
#: image data, go on in steps of 64 KiB, for which this would be too slow.
_STEP = 1024 * 1024

# Seconds between two notes of how much was written.
_RATE_STEP = 0.25

# Seconds after which what has come from the sender is worth a record, when
# nothing was written meanwhile: less than what may count as stalled.
_LIFE_STEP = 0.5

# What the request that is being handled here has uploaded. Not by its context:
# Glance's objects and their proxies hold each other and it, and so would hold
# the upload until the garbage is collected. And not by its id, which is the
# client's to choose.
_of_request: contextvars.ContextVar[list[Upload] | None] = (
    contextvars.ContextVar('of_request', default=None))

# Those that may not have ended. Who lets go of one need not say so.
_living: weakref.WeakSet[Upload] = weakref.WeakSet()
_living_lock = threading.Lock()

_fault = warning.Hourly(LOG)


def _say(exc: Exception) -> None:
    _fault.say('An upload goes on without progress.', exc=exc)


class Upload:
    """One attempt to upload an image to a store.

    :param conf: the process's options
    :param image_id: of the image
    :param store: identifier of the store
    :param size: in bytes; 0 or None when it is not known
    :param context: of the request that asked for it, if known
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        image_id: str,
        store: str,
        size: int | None,
        context: Any = None,
    ) -> None:
        #: Whether reading, and not writing, has ended the upload.
        self.source_failed = False
        self._written = 0
        self._received = 0
        self._told_at = time.monotonic()
        # Threads that read, that tell what is written, and that end it.
        self._lock = threading.Lock()
        # When how much was written, of the last seconds.
        self._steps: collections.deque[tuple[float, int]] = collections.deque(
            [(time.monotonic(), 0)])
        self._publisher: publisher.Publisher | None = None
        try:
            now = time.time()
            self._wait_until = time.monotonic() + _FIRST_RECORD_TIMEOUT
            self._record = wire.Record(
                image_id=str(image_id), store=store, state=wire.UPLOADING,
                bytes_written=0,
                total_bytes=wire.announced_size(size),
                started_at=round(now, 3), updated_at=round(now, 3),
                sequence=publisher.next_sequence(),
                request_id=_request_id(context),
                host=socket.gethostname(), worker=process.identity())
            self._record.to_json()  # raises for one that cannot be sent
            self._publisher = publisher.get(conf)
            self._publisher.post(self._record, urgent=True)
            uploads = _of_request.get()
            if uploads is not None:
                uploads.append(self)
            with _living_lock:
                _living.add(self)
            ending.watch(cut_off)
        except Exception as exc:
            _say(exc)

    def metered(
        self, image_file: Any, read: Callable[[int], None] | None = None
    ) -> meter.Meter:
        """Return what to give to the driver in the place of *image_file*.

        :param read: called with the number of bytes handed over, before each
            chunk that is read; written() if not given, which is right for a
            driver that has written what it has taken when it asks for more
        """
        # The meter knows the upload, and not the other way round: a cycle
        # would hold the image's data, and the request that brings them, for
        # as long as the garbage is not collected.
        return meter.around(
            image_file, read or self.written, self._source_failed)

    def _source_failed(self) -> None:
        self.source_failed = True

    def written(self, size: int) -> None:
        """The store holds the first *size* bytes."""
        self._written = size
        if self._publisher is None:
            return
        if size > 0:
            if size - self._record.bytes_written >= _STEP:
                self._tell()
            return
        try:
            left = self._wait_until - time.monotonic()
            if left > 0:
                self._publisher.wait(self._record.key, left)
        except Exception as exc:
            _say(exc)

    def received(self, size: int) -> None:
        """*size* bytes have come from the sender."""
        self._received = size
        if time.monotonic() - self._told_at >= _LIFE_STEP:
            self._tell()

    def finished(self, size: int) -> None:
        """The store holds the image, of *size* bytes, for good."""
        size = max(size, self._written)
        self._tell(urgent=True, state=wire.FINISHED, bytes_written=size,
                   total_bytes=size)

    def failed(self, exc: BaseException) -> None:
        """The driver raised *exc*."""
        try:
            reason = failure.reason(exc, self.source_failed)
        except Exception as fault:
            _say(fault)
            reason = failure.UNKNOWN
        self._tell(urgent=True, state=wire.FAILED, failure=reason)

    def cut_off(self) -> None:
        """The process ends."""
        if (self._publisher is not None
                and self._record.state == wire.UPLOADING):
            self._tell(urgent=True, state=wire.FAILED, failure=failure.ENDED)
            # What it does in the time that is left does not count.
            self._publisher = None

    def refused(self, reason: str, left_in: str | None = None) -> None:
        """Glance refused, for *reason*, what the store has finished.

        :param left_in: the status in which it has left the image for good
        """
        if (self._publisher is not None
                and self._record.state == wire.FINISHED):
            self._tell(urgent=True, state=wire.FAILED, failure=reason,
                       left_in=left_in)

    def _rate(self, written: int) -> float | None:
        """Return the bytes a second of the last seconds, None for no time."""
        now = time.monotonic()
        if now - self._steps[-1][0] >= _RATE_STEP:
            self._steps.append((now, written))
        while (len(self._steps) > 2
               and now - self._steps[1][0] >= wire.RATE_WINDOW):
            self._steps.popleft()
        begin, before = self._steps[0]
        if now - begin < _RATE_STEP:
            return None
        return round((written - before) / (now - begin), 3)

    def _tell(self, urgent: bool = False, **changes: Any) -> None:
        try:
            with self._lock:
                if self._publisher is not None:
                    self._post(self._publisher, urgent, changes)
        except Exception as exc:
            _say(exc)

    def _post(
        self, to: publisher.Publisher, urgent: bool, changes: dict[str, Any]
    ) -> None:
        record = self._record
        total = changes.get('total_bytes', record.total_bytes)
        written = changes.get('bytes_written', self._written)
        if total is not None:
            written = min(written, total)
        changes['bytes_written'] = max(written, record.bytes_written)
        changes['bytes_received'] = self._ahead(
            changes['bytes_written'], total)
        changes['rate'] = self._rate(changes['bytes_written'])
        # A clock that is set back must not make a record older.
        changes['updated_at'] = max(
            round(time.time(), 3), record.updated_at)
        self._record = dataclasses.replace(record, **changes)
        to.post(self._record, urgent)
        self._told_at = time.monotonic()

    def _ahead(self, written: int, total: int | None) -> int | None:
        """Return what has come, where that is more than *written*."""
        received = self._received
        if total is not None:
            received = min(received, total)
        return received if received > written else None


@contextlib.contextmanager
def of_request() -> Iterator[list[Upload]]:
    """Collect what is uploaded in the block, by this thread.

    Glance may refuse it when the store has finished.
    """
    uploads: list[Upload] = []
    token = _of_request.set(uploads)
    try:
        yield uploads
    finally:
        _of_request.reset(token)


def never_begun(
    conf: cfg.ConfigOpts, image_id: str, store: str, size: int | None,
    context: Any, reason: str, left_in: str | None = None,
) -> None:
    """Tell that Glance has refused data that no store was given.

    :param conf: the process's options
    :param store: identifier of the store that they were for
    :param size: in bytes; 0 or None when it is not known
    :param context: of the request that has brought them
    :param reason: why, in a sentence
    :param left_in: the status in which Glance has left the image for good
    """
    now = round(time.time(), 3)
    publisher.get(conf).post(wire.Record(
        image_id=str(image_id), store=store, state=wire.FAILED,
        bytes_written=0, total_bytes=wire.announced_size(size),
        started_at=now, updated_at=now, sequence=publisher.next_sequence(),
        request_id=_request_id(context), host=socket.gethostname(),
        failure=reason, left_in=left_in), urgent=True)


def cut_off() -> None:
    """Tell of all uploads of this process that it ends."""
    with _living_lock:
        living = list(_living)
    for each in living:
        each.cut_off()


def _request_id(context: Any) -> str | None:
    request_id = getattr(context, 'request_id', None)
    return request_id if isinstance(request_id, str) else None
