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

"""What was found to be wrong, told at once."""

from __future__ import annotations

import collections
import threading
import time


class Violations:
    """Collects them by invariant, from many threads.

    :param begin: when the run began, by time.monotonic()
    """

    def __init__(self, begin: float) -> None:
        self._begin = begin
        self._lock = threading.Lock()
        self.found: dict[str, list[str]] = collections.defaultdict(list)
        #: Of each invariant, how often it was looked at.
        self.checks: collections.Counter[str] = collections.Counter()

    def add(self, invariant: str, text: str) -> None:
        with self._lock:
            self.found[invariant].append(text)
            print('%7.1f VIOLATION %s: %s' % (
                time.monotonic() - self._begin, invariant, text), flush=True)

    def checked(self, invariant: str, times: int = 1) -> None:
        with self._lock:
            self.checks[invariant] += times
