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

"""Has each client of Ceph in a worker an address that no other worker has.

A client is known to Ceph by its host and a random number. librados draws that
from a generator which each thread has, and which fork() copies: after a Glance
has asked Ceph anything at its start, which it does of each store, all of its
workers draw the same numbers (Ceph 16.2). Of two clients with one address, a
daemon of Ceph ends the older connection when the newer comes, over and over;
and when librbd breaks the lock of one that was killed, and blocks its address,
it blocks what the next worker will have.

A thread that was not there at the fork has a generator of its own.
"""

from __future__ import annotations

from collections.abc import Callable
import threading
import time
from typing import Any
from typing import TypeVar

from glance_progress import process

T = TypeVar('T')

# Seconds. To connect takes some ten milliseconds.
_LOOK = 0.002


def unique(connect: Callable[[], T]) -> T:
    """Return what *connect* returns, or raise what it raises.

    It is called in a new thread. Under eventlet that is none of eventlet's,
    whose hub may run meanwhile: what the call logs may need it.
    """
    results: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            results.append(connect())
        except BaseException as exc:
            raised.append(exc)

    thread = _threading().Thread(
        target=run, name='glance-progress-connect', daemon=True)
    thread.start()
    if process.is_green():
        while thread.is_alive():
            time.sleep(_LOOK)
    else:
        thread.join()
    if raised:
        raise raised[0]
    return results[0]


def _threading() -> Any:
    if not process.is_green():
        return threading
    from eventlet import patcher

    return patcher.original('threading')
