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

import threading
import time
from typing import Any

#: Seconds in which a fault of one kind is said once.
_AGAIN_AFTER = 3600.0


class Hourly:
    """Logs the fault that is being handled, each kind of it once an hour.

    A kind is the type of the exception and where it was raised, so that who
    can cause one fault does not hide the others.

    :param log: a logger of oslo.log
    """

    def __init__(self, log: Any) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._said: dict[tuple[Any, ...], float] = {}

    def say(self, message: str, *args: object, exc: BaseException) -> None:
        """Log *message* and the traceback of *exc*, unless just said."""
        frame = exc.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        kind = (type(exc), frame and frame.tb_frame.f_code,
                frame and frame.tb_lineno)
        now = time.monotonic()
        with self._lock:
            if now < self._said.get(kind, now):
                return
            self._said[kind] = now + _AGAIN_AFTER
        self._log.error(message + ' (Said once an hour.)', *args,
                        exc_info=exc)
