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

"""Tells whether so many threads hash that all processors are taken.

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

from glance_progress import process

#: Threads for each processor that this process may use: the two hashes of one
#: upload on one processor are no crowd.
_A_PROCESSOR = 2

_hashing = 0
_lock = threading.Lock()


@contextlib.contextmanager
def hashing() -> Iterator[None]:
    """Count this thread as long as the context lasts."""
    _add(1)
    try:
        yield
    finally:
        _add(-1)


def _add(number: int) -> None:
    global _hashing
    with _lock:
        _hashing += number


def is_there() -> bool:
    """Return whether more threads hash than overlapping is of use for.

    Never under eventlet, where all uploads wait when one does.
    """
    return (_hashing > _A_PROCESSOR * len(os.sched_getaffinity(0))
            and not process.is_green())
