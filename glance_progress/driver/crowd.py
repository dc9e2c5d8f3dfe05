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

"""Tells whether so many uploads hash that all processors are taken.

Then uploads overlap with each other, and one that overlaps its own steps gains
nothing: its chunks wait, in memory that has to be found, and have left the
processor's cache when their turn comes. Hashing is what an upload computes.
Those that wait, for their sender or for Ceph, are no crowd.
"""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import os
import threading
import time

from glance_progress import process

#: Uploads for each processor that this process may use.
_A_PROCESSOR = 2

#: Seconds for which a crowd is believed to stay. Each of its uploads waits for
#: Ceph now and then, so that few hash at a moment.
_STAYS = 1.0

_hashing = 0
_until = 0.0
_lock = threading.Lock()


class Member:
    """One upload.

    It counts once however many of its threads hash: when it overlaps they are
    two, and in a crowd one.
    """

    def __init__(self) -> None:
        self._threads = 0

    @contextlib.contextmanager
    def hashing(self) -> Iterator[None]:
        """Count this upload as long as the context lasts."""
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)

    def _add(self, threads: int) -> None:
        global _hashing, _until
        with _lock:
            before = self._threads
            self._threads += threads
            _hashing += bool(self._threads) - bool(before)
            if threads > 0 and _hashing > _A_PROCESSOR * len(
                    os.sched_getaffinity(0)):
                _until = time.monotonic() + _STAYS


def is_there() -> bool:
    """Return whether more uploads hash than overlapping is of use for.

    Never under eventlet, where all uploads wait when one does.
    """
    return time.monotonic() < _until and not process.is_green()
