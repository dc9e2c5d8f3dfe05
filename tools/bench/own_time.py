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

"""What telling progress costs an upload, to less than the noise of a run.

Two uploads of the same image differ by some percent on any machine that has
more to do. What progress adds to one is much less, and is counted here: the
time by the clock that the upload spends telling how far it is, and the time
of the processor that sending it takes meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import functools
import threading
import time
from typing import Any
from unittest import mock

from glance_progress.driver import upload
from glance_progress.records import publisher

#: What an upload calls, none of them by way of another.
_TOLD = ('__init__', 'metered', 'written', 'finished', 'failed')


class OwnTime:
    """Adds up what progress costs the uploads of this process.

    :ivar seconds: so far
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Count as long as the context lasts."""
        with contextlib.ExitStack() as stack:
            for name in _TOLD:
                stack.enter_context(self._timed(
                    upload.Upload, name, time.perf_counter))
            stack.enter_context(self._timed(
                publisher.Publisher, '_send', time.thread_time))
            yield

    def _timed(
        self, owner: type, name: str, clock: Callable[[], float]
    ) -> contextlib.AbstractContextManager[Any]:
        function = getattr(owner, name)

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            started = clock()
            try:
                return function(*args, **kwargs)
            finally:
                with self._lock:
                    self.seconds += clock() - started

        return mock.patch.object(owner, name, timed)
