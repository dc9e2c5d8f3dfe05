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

from collections.abc import Callable
from collections.abc import Iterable
import concurrent.futures
import graphlib
import time


class Schedule:
    """Begins each task as soon as what it comes after has been done.

    What every task took is printed when it ends.
    """

    def __init__(self) -> None:
        self._acts: dict[str, Callable[[], object]] = {}
        self._order: graphlib.TopologicalSorter[str] = (
            graphlib.TopologicalSorter())

    def add(self, name: str, act: Callable[[], object],
            after: Iterable[str] = ()) -> None:
        """Plan something, after other things that are planned."""
        self._acts[name] = act
        self._order.add(name, *after)

    def run(self, give_up: Callable[[], object] = lambda: None) -> None:
        """Do everything, once.

        :param give_up: called after a failure or an interrupt, when nothing
            begins any more, to end what the tasks that go on wait for
        :raises Exception: the first one that a task has raised; by then all
            that had begun has ended
        :raises graphlib.CycleError: if things come after each other
        """
        self._order.prepare()
        begun: dict[concurrent.futures.Future[None], str] = {}
        with concurrent.futures.ThreadPoolExecutor(
                max(1, len(self._acts))) as pool:
            try:
                while self._order.is_active():
                    for name in self._order.get_ready():
                        begun[pool.submit(do, name, self._acts[name])] = name
                    ended, _ = concurrent.futures.wait(
                        begun,
                        return_when=concurrent.futures.FIRST_COMPLETED)
                    for future in ended:
                        future.result()
                        self._order.done(begun.pop(future))
            except BaseException:
                give_up()
                raise


def do(name: str, act: Callable[[], object]) -> None:
    """Do something and print how long it took."""
    begin = time.monotonic()
    act()
    # In one piece: what goes on beside it prints, too.
    print(f'{name:<16} {time.monotonic() - begin:5.1f} s\n', end='',
          flush=True)
