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

"""Faults that would fill a log, and must not be silent either."""

from __future__ import annotations

from collections.abc import Hashable
import threading
import time
from typing import Any

HOUR = 3600.0


def reason(exc: object) -> str:
    """Return what an exception says; if it says nothing, what it is."""
    return str(exc) or type(exc).__name__


class Seldom:
    """Tells what is to be said, each kind of it once in a while.

    :param seconds: for which a kind counts as said
    """

    def __init__(self, seconds: float = HOUR) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._quiet_until: dict[Hashable, float] = {}

    def admits(self, kind: Hashable) -> bool:
        """Return whether *kind* is to be said, and count it as said."""
        now = time.monotonic()
        with self._lock:
            if now < self._quiet_until.get(kind, now):
                return False
            self._quiet_until[kind] = now + self._seconds
        return True


class Hourly:
    """Logs the fault that is being handled, each kind of it once an hour.

    A kind is the type of the exception and where it was raised, so that who
    can cause one fault does not hide the others.

    :param log: a logger of oslo.log
    """

    def __init__(self, log: Any) -> None:
        self._log = log
        self._seldom = Seldom()

    def say(self, message: str, *args: object, exc: BaseException) -> None:
        """Log *message* and the traceback of *exc*, unless just said."""
        frame = exc.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        kind = (type(exc), frame and frame.tb_frame.f_code,
                frame and frame.tb_lineno)
        if self._seldom.admits(kind):
            self._log.error(message + ' (Said once an hour.)', *args,
                            exc_info=exc)
