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

"""Shows a run of uploads: bars on a terminal, and lines elsewhere.

Both go to the standard error: the table at the end is for the output.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
import sys
from typing import Any

import tqdm
from tqdm import utils

from glance_progress.cli import display
from glance_progress.osc import words
from glance_progress.records import wire
from glance_progress.upload import progress
from glance_progress.upload import tasks

#: Said where a cloud lacks our extension.
BLIND = ('This cloud does not tell what its stores have taken; what is shown '
         'is what was sent.')

# Where nobody knows how wide a terminal is.
_COLUMNS = 80

# Percents after which a line says how far an image is.
_STEP = 10


def doing(task: tasks.Task, blind: bool) -> str:
    """Return in words what goes on with an image."""
    if task.state == tasks.COMPARING:
        return 'comparing with what is there'
    if task.state != tasks.SENDING:
        return task.state
    sent = '%s sent' % display.size(task.body.sent if task.body else 0)
    if blind:
        return sent
    if task.snapshot is None:
        return 'queued'
    said = words.state(task.snapshot)
    stores = [store for store in task.snapshot['stores']
              if store['state'] == wire.UPLOADING]
    if not stores:
        if task.snapshot['status'] == 'saving':
            said += ', ' + sent  # more is not known, as without memcached
        return said + words.beside(task.snapshot)
    parts = [said, display.numbers(stores[0])]
    if stores[0]['stalled']:
        parts.append(display.state(stores[0]))
    return ', '.join(parts)


def ended(task: tasks.Task) -> str:
    """Return in a line what has come of an image."""
    line = '%s: %s' % (display.printable(task.item.name), task.state)
    if task.state == tasks.UPLOADED:
        line += ' as %s, %s' % (
            task.image_id, ('verified by ' if task.verified else
                            'not verified: ') + task.verified_by)
        if task.saved:
            line += ', %s saved' % display.size(task.saved)
    elif task.reason:
        line += ': ' + display.printable(task.reason)
    return line


def numbers(total: progress.Sum) -> str:
    """Return bytes, rate, ETA and count of all as people read them."""
    text = display.numbers({
        'bytes_written': total.done, 'total_bytes': total.total,
        'bytes_per_second': total.rate, 'eta': total.eta})
    return '%s, %d of %d done' % (text, total.ended, total.count)


class Picture(abc.ABC):
    """Shows tasks, again and again."""

    def __init__(self, shown: Sequence[tasks.Task]) -> None:
        self._tasks = shown
        self._whole = progress.Whole()
        self._told: set[int] = set()
        self._warned = False

    def update(self, blind: bool) -> None:
        """Show the tasks as they are now.

        :param blind: whether this cloud does not tell what its stores have
        """
        if blind and not self._warned:
            self._warned = True
            self.say(BLIND)
        for task in self._tasks:
            if task.ended and id(task) not in self._told:
                self._told.add(id(task))
                self.say(ended(task))
        self.draw([task for task in self._tasks
                   if task.state in (tasks.COMPARING, tasks.SENDING)],
                  self._whole.look(self._tasks, blind), blind)

    @abc.abstractmethod
    def say(self, text: str) -> None:
        """Show a line that stays."""

    @abc.abstractmethod
    def draw(self, going: Sequence[tasks.Task], total: progress.Sum,
             blind: bool) -> None:
        """Show what goes on."""

    def close(self) -> None:
        """Leave what is shown on the screen, and change it no more."""


class Lines(Picture):
    """Prints a line for each image that has come further."""

    def __init__(self, shown: Sequence[tasks.Task]) -> None:
        super().__init__(shown)
        self._last: dict[object, object] = {}

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def draw(self, going: Sequence[tasks.Task], total: progress.Sum,
             blind: bool) -> None:
        for task in going:
            percent = 100 * progress.share(task, blind)
            status = (words.state(task.snapshot) if task.snapshot
                      else task.state)
            if self._is_new(id(task), (status, percent // _STEP)):
                self.say('%s: %5.1f%%, %s' % (
                    display.printable(task.item.name), percent,
                    doing(task, blind)))
        if total.percent is not None and self._is_new(
                None, (total.percent // _STEP, total.ended)):
            self.say('all: %5.1f%%, %s' % (total.percent, numbers(total)))

    def _is_new(self, key: object, value: object) -> bool:
        if self._last.get(key) == value:
            return False
        self._last[key] = value
        return True


class Bars(Picture):
    """Draws a bar for each image that is on its way, and one for all.

    :param slots: how many are on their way at once, at most
    """

    def __init__(self, shown: Sequence[tasks.Task], slots: int) -> None:
        super().__init__(shown)
        self._bars: list[tqdm.tqdm[Any]] = [
            tqdm.tqdm(file=sys.stderr, leave=slot == slots, total=1000,
                      dynamic_ncols=True, position=slot, miniters=0,
                      mininterval=0, bar_format='{desc}')
            for slot in range(slots + 1)]

    def say(self, text: str) -> None:
        tqdm.tqdm.write(text, file=sys.stderr)

    def draw(self, going: Sequence[tasks.Task], total: progress.Sum,
             blind: bool) -> None:
        *slots, last = self._bars
        for number, bar in enumerate(slots):
            if number < len(going):
                task = going[number]
                _draw(bar, task.item.name, 100 * progress.share(task, blind),
                      doing(task, blind))
            else:
                bar.bar_format = ' '
                bar.refresh()
        _draw(last, 'all', total.percent, numbers(total))

    def close(self) -> None:
        for bar in self._bars:
            bar.close()


def _draw(bar: tqdm.tqdm[Any], name: str, percent: float | None,
          text: str) -> None:
    # A long name leaves room for what it says of it.
    name = utils.disp_trim(
        display.printable(name), (bar.ncols or _COLUMNS) // 2)
    name, text = (display.literally(each)
                  for each in (name, display.printable(text)))
    if percent is None:
        bar.bar_format = '%s: %s' % (name, text)
    else:
        bar.bar_format = '%s: %5.1f%%|{bar}| %s' % (name, percent, text)
        bar.n = int(percent * 10)
    bar.refresh()


def choose(shown: Sequence[tasks.Task], slots: int) -> Picture:
    """Return the picture for standard error."""
    if sys.stderr.isatty():
        return Bars(shown, min(slots, len(shown)))
    return Lines(shown)
