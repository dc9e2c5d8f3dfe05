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

"""How far images are, each and all of them, by the word of the cloud."""

from __future__ import annotations

import collections
from collections.abc import Iterable
import dataclasses
import time

from glance_progress.upload import tasks

# Phases before the data go to the stores, by how much of them is staged: all.
_STAGED = ('staged', 'decompressing', 'converting', 'verifying')

# Seconds that the rate is of.
_WINDOW = 10.0


def share(task: tasks.Task, blind: bool = False) -> float:
    """Return how much of a task is done, from 0 to 1.

    Of an import the staging is one half, and the stores are the other.

    :param blind: whether nobody knows more than what was sent
    """
    if task.state in tasks.GOOD:
        return 1.0
    if blind:
        return _sent(task)
    if task.snapshot is None:
        return 0.0
    phase = task.snapshot['phase']
    of_phase = (task.snapshot['percent'] or 0.0) / 100
    if phase == 'upload':
        return of_phase
    if phase == 'staging':
        return of_phase / 2
    if phase in ('import', 'copy'):
        return (1 + of_phase) / 2
    return 0.5 if phase in _STAGED else 1.0 if phase == 'done' else 0.0


def _sent(task: tasks.Task) -> float:
    if task.body is None or not len(task.body):
        return 0.0
    return task.body.sent / len(task.body)


@dataclasses.dataclass(frozen=True)
class Sum:
    """All images together.

    :ivar ended: how many have come to their end, in whichever way
    :ivar count: how many there are
    :ivar done: bytes that are where they are to be
    :ivar total: bytes of all that are sent, as far as that is known
    :ivar rate: bytes a second of the last seconds; None when nothing moved
    :ivar eta: seconds that it will still take; None when nobody can tell
    """

    ended: int
    count: int
    done: int
    total: int
    rate: float | None
    eta: float | None

    @property
    def percent(self) -> float | None:
        """Return how much is done; 100 when all have ended."""
        if self.ended == self.count:
            return 100.0
        if not self.total:
            return None
        return min(99.9, 1000 * self.done // self.total / 10)


class Whole:
    """Adds up, look by look."""

    def __init__(self) -> None:
        self._looks: collections.deque[tuple[float, int]] = (
            collections.deque())

    def look(self, looked: Iterable[tasks.Task], blind: bool) -> Sum:
        """Return the sum of all tasks."""
        found = list(looked)
        sent = [task for task in found if task.item.size and (
            not task.ended or task.state == tasks.UPLOADED)]
        total = sum(task.item.size or 0 for task in sent)
        done = int(sum(
            share(task, blind) * (task.item.size or 0) for task in sent))
        rate = self._rate(done)
        return Sum(sum(task.ended for task in found), len(found), done, total,
                   rate, (total - done) / rate if rate else None)

    def _rate(self, done: int) -> float | None:
        now = time.monotonic()
        self._looks.append((now, done))
        while now - self._looks[0][0] > _WINDOW:
            self._looks.popleft()
        first, at_first = self._looks[0]
        if now - first < 1 or done <= at_first:
            return None
        return (done - at_first) / (now - first)
