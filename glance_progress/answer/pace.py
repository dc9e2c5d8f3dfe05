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
"""When to look again, so that a look is worth while and costs little.

What is said is a wish: whoever looks more often is answered, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
import math
import threading
import time
from typing import Any

from glance_progress.answer import phases
from glance_progress.records import wire

#: Seconds after which to look again, at least and at most.
SOONEST = 1
LATEST = 15

# Seconds where nobody can tell how long it will take.
_UNKNOWN = 2

# Looks in which what is left of an upload is seen to go by: as many as make a
# bar move smoothly.
_LOOKS = 20

#: Answers a second that a process asks for. A look takes some milliseconds of
#: a processor that uploads want as well.
PER_SECOND = 10


def of(snapshot: Mapping[str, Any]) -> int | None:
    """Return the seconds after which to look again at what was answered.

    None when there is nothing more to come.
    """
    if snapshot['phase'] in (phases.DONE, phases.FAILED):
        return None
    told = [snapshot['hashed']] if snapshot['hashed'] else [
        store for store in snapshot['stores']
        if store['state'] == wire.UPLOADING]
    etas = [each['eta'] for each in told if each['eta'] is not None]
    if not etas:
        return _UNKNOWN
    # Of several the first to end, whose end is news.
    return _clamped(min(etas) / _LOOKS)


def of_list(snapshots: Iterable[Mapping[str, Any]]) -> int:
    """Return the seconds after which to look again at a page of images."""
    soon = (of(each) for each in snapshots)
    return min((each for each in soon if each is not None), default=_UNKNOWN)


class Queue:
    """Gives those who look again a time each, PER_SECOND of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free = 0.0

    def next(self, wanted: int) -> int:
        """Return the seconds after which to come again, *wanted* or more."""
        with self._lock:
            now = time.monotonic()
            # Those who come anyway do not put off all others for ever.
            self._free = min(
                max(self._free, now) + 1 / PER_SECOND, now + LATEST)
            return max(wanted, _clamped(self._free - now))


def _clamped(seconds: float) -> int:
    return max(SOONEST, min(LATEST, math.ceil(seconds)))
