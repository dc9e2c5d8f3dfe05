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
"""What an import tells of its steps, as the record of the staging area.

Nothing here raises or waits: an import is worth more than its progress.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import dataclasses
import functools
import socket
import threading
import time
from typing import Any
from typing import TypeVar

from oslo_config import cfg
from oslo_log import log as logging

from glance_progress.imports import files
from glance_progress import process
from glance_progress.records import options
from glance_progress.records import publisher
from glance_progress.records import wire
from glance_progress import section
from glance_progress import warning

LOG = logging.getLogger(__name__)

# Seconds from a step's begin to the first look at its files: most have nothing
# to do, and end before.
_FIRST_LOOK = 0.3

_fault = warning.Hourly(LOG)

_Method = TypeVar('_Method', bound=Callable[..., None])


def _harmless(method: _Method) -> _Method:
    """Return *method*, whose faults are logged and go no further."""
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> None:
        try:
            method(*args, **kwargs)
        except Exception as exc:
            _fault.say('An import does not tell its steps.', exc=exc)
    return call  # type: ignore[return-value]


class Import:
    """One import of an image.

    :param conf: the process's options
    :param image_id: of the image
    :param context: of the request that has begun the import
    """

    def __init__(
        self, conf: cfg.ConfigOpts, image_id: str, context: Any
    ) -> None:
        self._conf = conf
        self._image_id = image_id
        self.context = context
        self._lock = threading.Lock()
        self._record: wire.Record | None = None
        # When what was behind, of the last seconds: bytes, part of the way.
        self._steps: collections.deque[tuple[float, int, float]] = (
            collections.deque())

    @_harmless
    def asking(self) -> None:
        """Glance asks for the data that are to be staged."""
        with self._lock:
            if self._record is None:
                self._post(self._begin(phase=wire.STAGING))

    def forget(self) -> None:
        """The staging area has told by itself, as an upload does."""
        with self._lock:
            self._record = None

    @_harmless
    def finished(self, size: int) -> None:
        """The staging area holds what is to be imported, *size* bytes."""
        with self._lock:
            self._post(self._begin(
                state=wire.FINISHED, bytes_written=size, total_bytes=size))

    @_harmless
    def failed(self, reason: str) -> None:
        """The import has failed, for *reason*, which its owner reads."""
        with self._lock:
            record = self._begin(state=wire.FAILED, failure=reason)
            self._post(record)
            self._record = None

    @contextlib.contextmanager
    def watched(
        self, phase: str, look: Callable[[], files.Look | None]
    ) -> Iterator[Callable[[], bool]]:
        """Tell *phase* while the block runs, from when *look* sees it.

        A thread looks, once in an update interval. Yields a function that
        says whether it has seen anything.
        """
        seen = threading.Event()
        over = threading.Event()
        try:
            if process.runs_threads():
                threading.Thread(
                    target=self._watch, args=(phase, look, seen, over),
                    name='glance-progress-import', daemon=True).start()
        except Exception as exc:
            _fault.say('An import does not tell its steps.', exc=exc)
        try:
            yield seen.is_set
        finally:
            with self._lock:
                over.set()

    @_harmless
    def _watch(
        self, phase: str, look: Callable[[], files.Look | None],
        seen: threading.Event, over: threading.Event,
    ) -> None:
        interval = section.of(self._conf, options.OPTS).update_interval
        wait = min(_FIRST_LOOK, interval)
        while not over.wait(wait):
            found = look()
            wait = interval
            if found is None:
                continue
            with self._lock:
                if over.is_set():
                    return
                if not seen.is_set():
                    self._steps.clear()
                    self._post(self._begin(phase=phase))
                    seen.set()
                self._saw(found)

    def _begin(self, **fields: Any) -> wire.Record:
        """Return the record of another step of this import.

        All are of one attempt: of those that an import makes in the stores,
        none may seem to be of the time before.
        """
        now = round(time.time(), 3)
        sequence = (publisher.next_sequence() if self._record is None
                    else self._record.sequence)
        request_id = getattr(self.context, 'request_id', None)
        return wire.Record(**{**dict(
            image_id=self._image_id, store=wire.STAGING_STORE,
            state=wire.UPLOADING, bytes_written=0, total_bytes=None,
            started_at=now, updated_at=now, sequence=sequence,
            request_id=request_id if isinstance(request_id, str) else None,
            host=socket.gethostname(), worker=process.identity(),
        ), **fields})

    def _saw(self, found: files.Look) -> None:
        """Tell what a look has found, if anything has moved."""
        record = self._record
        assert record is not None
        moved = dataclasses.replace(
            record, bytes_written=max(found.written, record.bytes_written),
            total_bytes=found.total, position=found.position)
        if moved == record:
            return
        now = time.monotonic()
        position = found.position or 0.0
        self._steps.append((now, moved.bytes_written, position))
        while (len(self._steps) > 2
               and now - self._steps[1][0] >= wire.RATE_WINDOW):
            self._steps.popleft()
        begin, written, before = self._steps[0]
        if now > begin:
            seconds = now - begin
            moved = dataclasses.replace(
                moved,
                rate=round((moved.bytes_written - written) / seconds, 3),
                pace=None if found.position is None
                else round(max(0.0, position - before) / seconds, 9))
        # A clock that is set back must not make a record older.
        self._post(dataclasses.replace(
            moved, updated_at=max(round(time.time(), 3), record.updated_at)),
            urgent=False)

    def _post(self, record: wire.Record, urgent: bool = True) -> None:
        self._record = record
        publisher.get(self._conf).post(record, urgent)
