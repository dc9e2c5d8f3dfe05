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

"""Things to do side by side, each after those that it needs."""

from __future__ import annotations

import concurrent.futures
import threading
import typing as ty

from allinone import machine


class Schedule:
    """Begins each task as soon as what it comes after has been done.

    What every task took is printed when it ends.
    """

    def __init__(self) -> None:
        self._tasks: list[
            tuple[str, ty.Callable[[], object], tuple[str, ...]]] = []

    def add(self, name: str, act: ty.Callable[[], object],
            after: ty.Iterable[str] = ()) -> None:
        """Plan something, after things that have been added before it."""
        self._tasks.append((name, act, tuple(after)))

    def run(self, give_up: ty.Callable[[], object] = lambda: None) -> None:
        """Do everything.

        :param give_up: called after a failure or an interrupt, when nothing
            begins any more, to end what the tasks that go on wait for
        :raises Exception: the first one that a task has raised; by then all
            that had begun has ended
        """
        futures: dict[str, concurrent.futures.Future[None]] = {}
        stop = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(
                max(1, len(self._tasks))) as pool:
            try:
                for name, act, after in self._tasks:
                    futures[name] = pool.submit(
                        _run, name, act, [futures[each] for each in after],
                        stop)
                done, _ = concurrent.futures.wait(
                    futures.values(),
                    return_when=concurrent.futures.FIRST_EXCEPTION)
                # Before others fail because of it.
                for future in done:
                    future.result()
            except BaseException:
                stop.set()
                give_up()
                raise


def _run(name: str, act: ty.Callable[[], object],
         after: ty.Sequence[concurrent.futures.Future[None]],
         stop: threading.Event) -> None:
    for needed in after:
        needed.result()
    if not stop.is_set():
        machine.timed(name, act)
