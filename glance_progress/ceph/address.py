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

A thread that was not there at the fork has a generator of its own. Of a
process's threads the first alone was: the others have begun since.
"""

from __future__ import annotations

from collections.abc import Callable
import os
import threading
import time
from typing import Any
from typing import TypeVar

from glance_progress import process

T = TypeVar('T')

# Under eventlet: connections that are made at once, and seconds between two
# looks at one, at first and at last. To connect takes some ten milliseconds,
# but minutes where Ceph is away.
_AT_ONCE = 8
_LOOKS = (0.002, 0.1)

_threads: set[Any] = set()


def unique(connect: Callable[[], T]) -> T:
    """Return what *connect* returns, or raise what it raises.

    In the process's first thread it is called in a new one. Under eventlet
    that is none of eventlet's, whose hub may run meanwhile: what the call logs
    may need it.
    """
    if threading.get_native_id() != os.getpid():
        return connect()
    results: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            results.append(connect())
        except BaseException as exc:
            raised.append(exc)

    native, wait = _kind()
    thread = native.Thread(
        target=run, name='glance-progress-connect', daemon=True)
    if not wait(thread):
        return connect()
    if raised:
        # Without a cycle, which would keep a client that has not connected.
        raise raised.pop()
    return results[0]


def _kind() -> tuple[Any, Callable[[Any], bool]]:
    """Return the module with threads, and what runs one to its end."""
    if not process.is_green():
        return threading, _run
    from eventlet import patcher

    return patcher.original('threading'), _run_beside_the_hub


def _run(thread: Any) -> bool:
    """Return whether *thread* could be started; it has ended then."""
    try:
        thread.start()
    except RuntimeError:
        return False  # as while the interpreter ends
    thread.join()
    return True


def _run_beside_the_hub(thread: Any) -> bool:
    """Return what _run() does, while green threads go on."""
    shortest, longest = _LOOKS
    while len(_threads) >= _AT_ONCE:
        time.sleep(longest)
    _threads.add(thread)
    try:
        thread.start()
        pause = shortest
        while thread.is_alive():
            time.sleep(pause)
            pause = min(2 * pause, longest)
    except RuntimeError:
        return False
    finally:
        _threads.discard(thread)
    return True
