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

"""Threads that work on tasks, each when what it waits for has ended.

They are daemons: a process that is to end does not wait for one that waits for
a server.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
import os
import threading

from glance_progress.upload import reading
from glance_progress.upload import tasks

#: More than that gain nothing by a single client.
_MOST = 8


def default_workers() -> int:
    """Return how many images to send at once from this machine."""
    return min(2 * (os.cpu_count() or 1), _MOST)


class Pool:
    """Works on tasks with so many threads.

    :param work: is called with each task, and ends it
    :param stopped: is set when the user has had enough
    """

    def __init__(
        self, todo: Sequence[tasks.Task], work: Callable[[tasks.Task], None],
        workers: int, stopped: threading.Event,
    ) -> None:
        self._left = list(todo)
        self._work = work
        self._stopped = stopped
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._run, daemon=True,
                             name='glance-progress-upload-%d' % number)
            for number in range(min(workers, len(self._left)))]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait that long at most, and tell whether all threads have ended."""
        for thread in self._threads:
            thread.join(seconds)
            if thread.is_alive():
                return False
        return True

    def _run(self) -> None:
        while True:
            task = self._take()
            if task is None:
                return
            try:
                self._work(task)
            except reading.Interrupted:
                return
            finally:
                with self._changed:
                    self._changed.notify_all()

    def _take(self) -> tasks.Task | None:
        """Return the next task that can be worked on; None when it is over."""
        with self._changed:
            while self._left and not self._stopped.is_set():
                for task in self._left:
                    if task.ready:
                        self._left.remove(task)
                        return task
                self._changed.wait(1)
        return None
