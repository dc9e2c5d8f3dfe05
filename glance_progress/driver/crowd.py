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

"""Tells whether so many uploads go on that they overlap with each other.

Then the processors have always something to do, and an upload that overlaps
its own steps gains nothing: its chunks wait, in memory that has to be found,
and have left the processor's cache when their turn comes.
"""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import os
import threading

from glance_progress import process

#: Uploads for each processor that this process may use. One at a time waits
#: for Ceph about as long as it computes.
_A_PROCESSOR = 2

_going_on = 0
_lock = threading.Lock()


@contextlib.contextmanager
def counted() -> Iterator[None]:
    """Count an upload as long as the context lasts."""
    _add(1)
    try:
        yield
    finally:
        _add(-1)


def _add(number: int) -> None:
    global _going_on
    with _lock:
        _going_on += number


def is_there() -> bool:
    """Return whether more uploads go on than overlapping is of use for.

    Never under eventlet, where all of them wait when one does.
    """
    return (_going_on > _A_PROCESSOR * len(os.sched_getaffinity(0))
            and not process.is_green())
