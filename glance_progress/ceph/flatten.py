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

"""What looks at an RBD image tell of a snapshot that Nova makes in Ceph.

Nova clones a server's disk into the pool of images and flattens the clone:
librbd copies the objects that the disk has, in their order, and marks each in
the clone's object map just before it writes it. An object of zeros it reads,
but does not write. So how far it is, is told by the last object that is
marked; what is behind it counts as written, which it is at most.

It is a share of the disk's own objects where they may be read ("diff"), and
else of the disk as a whole, holes and all ("object map").
"""

from __future__ import annotations

import bisect
import collections
from collections.abc import Sequence
import dataclasses
import socket
import time

from glance_progress.ceph import look
from glance_progress.records import wire

# What bytes are measured by
OBJECT_MAP = 'object map'
DIFF = 'diff'

# librbd makes a clone, and then says of what. Seconds in which it has
# done so, in a Ceph that is slow.
_MADE = 10


class Flatten:
    """The looks at one image, by this process.

    :param image_id: of the image, by whose name the clone goes
    """

    def __init__(self, image_id: str) -> None:
        self._nothing = wire.Record(
            image_id=image_id, store=wire.LOOKED, state=wire.UPLOADING,
            bytes_written=0, total_bytes=None, started_at=0, updated_at=0,
            sequence=0, host=socket.gethostname())
        # When how much was written, and which part of the way was behind.
        self._steps: collections.deque[tuple[float, int, float]] = (
            collections.deque())

    def record(
        self, seen: look.Seen | None, store: str | None,
        inherited: Sequence[int] | None, before: wire.Record | None,
    ) -> wire.Record:
        """Return the record of a look that was just taken.

        :param seen: None when there is no such RBD image yet
        :param store: where that is
        :param inherited: numbers of the objects that the parent gives; None
            when nobody may know
        :param before: of the look before, by whichever host
        """
        now = round(time.time(), 3)
        begun = now
        if seen is None or _being_made(seen, before, now):
            record = dataclasses.replace(self._nothing, phase=wire.PREPARING)
        else:
            if seen.created_at is not None:
                begun = min(round(seen.created_at, 3), now)
            elif before is not None and before.found_in == store:
                begun = before.started_at
            record = dataclasses.replace(
                _measured(self._nothing, seen, inherited), found_in=store,
                sequence=int(begun * 1000) * 10 ** 6)
        if before is not None and _same(record, before):
            begun, now = before.started_at, before.updated_at
        return self._paced(dataclasses.replace(
            record, started_at=begun, updated_at=now))

    def _paced(self, record: wire.Record) -> wire.Record:
        """Return *record* with its rate and pace of the last seconds."""
        if record.phase != wire.FLATTENING:
            self._steps.clear()
            return record
        now = time.monotonic()
        here = (now, record.bytes_written, record.position or 0.0)
        if self._steps and not (self._steps[-1][1] <= here[1]
                                and self._steps[-1][2] <= here[2]):
            self._steps.clear()  # it is another clone
        self._steps.append(here)
        while (len(self._steps) > 2
               and now - self._steps[1][0] >= wire.RATE_WINDOW):
            self._steps.popleft()
        begin, written, position = self._steps[0]
        seconds = now - begin
        if not seconds:
            # The first look; it may have begun long before.
            begin, written, position = 0, 0, 0.0
            seconds = record.updated_at - record.started_at
        if seconds < 0.001:
            return record
        return dataclasses.replace(
            record, rate=round((here[1] - written) / seconds, 3),
            pace=None if record.position is None
            else round((here[2] - position) / seconds, 9))


def _being_made(
    seen: look.Seen, before: wire.Record | None, now: float
) -> bool:
    """Tell whether what was *seen* may be a clone without its parent yet."""
    return (seen.overlap is None and not seen.existing
            and (before is None or before.phase == wire.PREPARING)
            and seen.created_at is not None
            and abs(now - seen.created_at) < _MADE)


def _same(record: wire.Record, before: wire.Record) -> bool:
    """Tell whether nothing has moved since *before*."""
    return all(
        getattr(record, name) == getattr(before, name)
        for name in ('sequence', 'phase', 'found_in', 'bytes_written',
                     'position'))


def _measured(
    nothing: wire.Record, seen: look.Seen, inherited: Sequence[int] | None
) -> wire.Record:
    phase = wire.REGISTERING if seen.overlap is None else wire.FLATTENING
    record = dataclasses.replace(nothing, phase=phase)
    if seen.existing is None or seen.reached is None:
        return record
    how = OBJECT_MAP if seen.quick else DIFF
    marked = min(seen.existing * seen.object_size, seen.size)
    if seen.overlap is None:
        return dataclasses.replace(
            record, bytes_written=marked, total_bytes=marked, measured_by=how)
    if inherited is not None:
        behind = bisect.bisect_left(inherited, seen.reached)
        total = min(len(inherited) * seen.object_size, seen.size)
        return dataclasses.replace(
            record, measured_by=DIFF, total_bytes=total,
            bytes_written=min(behind * seen.object_size, total))
    position = 1.0
    if seen.overlap:
        position = min(1.0, seen.reached * seen.object_size / seen.overlap)
    return dataclasses.replace(
        record, measured_by=how, bytes_written=marked,
        position=round(position, 6))
