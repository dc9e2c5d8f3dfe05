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

"""Which fault there was when."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from collections.abc import Sequence
import contextlib
import dataclasses
import threading
import time


@dataclasses.dataclass
class Fault:
    """Times are by time.monotonic(); ``end`` is None while it lasts."""

    kind: str
    #: Host of which it is, None for what all hosts use.
    host: str | None
    begin: float
    end: float | None = None
    #: Which of several is hit, or by what.
    what: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ' '.join([self.kind, *([self.host] if self.host else ()),
                         *self.what])


class FaultLog:
    """Knows all faults of a run."""

    def __init__(self, begin: float) -> None:
        self._begin = begin
        self._lock = threading.Lock()
        self.faults: list[Fault] = []

    @contextlib.contextmanager
    def during(self, kind: str, host: str | None = None,
               what: Sequence[str] = ()) -> Iterator[None]:
        """Have a fault last from here to the end, when all is well again."""
        fault = Fault(kind, host, time.monotonic(), what=tuple(what))
        with self._lock:
            self.faults.append(fault)
        print('%7.1f fault %s' % (fault.begin - self._begin, fault),
              flush=True)
        try:
            yield
        finally:
            fault.end = time.monotonic()

    def between(self, begin: float, end: float) -> list[Fault]:
        """Return those that lasted at any time between."""
        with self._lock:
            return [fault for fault in self.faults
                    if fault.begin <= end
                    and (fault.end is None or fault.end >= begin)]

    def counts(self) -> dict[str, int]:
        with self._lock:
            return dict(collections.Counter(
                fault.kind for fault in self.faults))
