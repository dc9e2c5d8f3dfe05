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

"""Shows progress to people: bars on a terminal, lines elsewhere, or JSON.

A displayed record is what :meth:`glance_progress.records.wire.Record.describe`
returns, so that whoever gets it over HTTP can show it as well.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
import json
import sys
from typing import Any

import tqdm

Described = dict[str, Any]


def size(value: float) -> str:
    """Return *value*, in bytes, as people read it: ``1.50GiB``."""
    if value < 1000:
        return '%dB' % value
    text: str = tqdm.tqdm.format_sizeof(value, 'iB', 1024)
    return text.replace('k', 'K')


def numbers(record: Described) -> str:
    """Return bytes, total, rate and ETA of *record* as people read them.

    What is not known is left out.
    """
    words = [size(record['bytes_written'])]
    if record['total_bytes'] is not None:
        words[0] += '/' + size(record['total_bytes'])
    elif record.get('expected_bytes') is not None:
        words[0] += ' of about %s expected' % size(record['expected_bytes'])
    if record.get('bytes_received'):
        words.append(size(record['bytes_received']) + ' received')
    if record['bytes_per_second']:
        words.append(size(record['bytes_per_second']) + '/s')
    if record['eta'] is not None:
        words.append('ETA ' + tqdm.tqdm.format_interval(record['eta']))
    return ', '.join(words)


def state(record: Described) -> str:
    """Return the state of *record* in words, without the reason."""
    if record['stalled']:
        return 'stalled for ' + tqdm.tqdm.format_interval(record['age'])
    return str(record['state'])


def state_and_reason(record: Described) -> str:
    """Return the state of *record* in words, with the reason of a failure."""
    if record['failure'] and not record['stalled']:
        return '%s: %s' % (record['state'], printable(record['failure']))
    return state(record)


def printable(text: str) -> str:
    """Return *text* without what a terminal would obey.

    Whoever reaches memcached can write a reason.
    """
    return ''.join(c if c.isprintable() else '?' for c in text)


def line(record: Described) -> str:
    """Return store, percentage, numbers and state of *record* in one line."""
    percent = record['percent']
    return '%s  %s  %s  %s' % (
        record['store'],
        'unknown total' if percent is None else '%.1f%%' % percent,
        numbers(record), state_and_reason(record))


class Display(abc.ABC):
    """Shows described records, again and again, and what is above them."""

    @abc.abstractmethod
    def update(self, records: Sequence[Described]) -> None:
        """Show *records*."""

    def title(self, text: str) -> None:
        """Show *text* above the records. Call it before update()."""

    def close(self) -> None:
        """Leave what is shown on the screen, and change it no more."""


class Lines(Display):
    """Prints a line for each record that has changed."""

    def __init__(self) -> None:
        self._last: dict[str | None, str] = {}

    def title(self, text: str) -> None:
        self._print(None, text)

    def update(self, records: Sequence[Described]) -> None:
        for record in records:
            self._print(record['store'], line(record))

    def _print(self, store: str | None, text: str) -> None:
        if self._last.get(store) != text:
            self._last[store] = text
            print(text, flush=True)


class Json(Display):
    """Prints every record at every look, as a JSON object in a line."""

    def update(self, records: Sequence[Described]) -> None:
        for record in records:
            print(json.dumps(record), flush=True)


class Bars(Display):
    """Draws a bar for each store, one below the other.

    A line that is longer than the terminal is wide is cut off. What must not
    be follows when the bars have come to their end.
    """

    def __init__(self) -> None:
        self._last: Sequence[Described] = ()
        self._bars: dict[str | None, tqdm.tqdm[Any]] = {}

    def title(self, text: str) -> None:
        bar = self._bar(None)
        bar.bar_format = literally(text)
        bar.refresh()

    def update(self, records: Sequence[Described]) -> None:
        self._last = records
        for record in records:
            self._draw(self._bar(record['store']), record)

    def _bar(self, store: str | None) -> tqdm.tqdm[Any]:
        """Return the bar of *store*, of the title if None; make it first."""
        if store not in self._bars:
            # It draws itself when made: nothing, and not "0it [00:00]".
            self._bars[store] = tqdm.tqdm(
                file=sys.stdout, leave=True, dynamic_ncols=True,
                position=len(self._bars), miniters=0, mininterval=0,
                bar_format='{desc}')
        return self._bars[store]

    def _draw(self, bar: tqdm.tqdm[Any], record: Described) -> None:
        # Percent, rate and ETA are the record's. tqdm's own count from when
        # it was started, and reach 100 % before the store has finished.
        text = literally('%s, %s' % (numbers(record), state(record)))
        name = literally(record['store'])
        if record['percent'] is None:
            bar.bar_format = '%s: %s' % (name, text)
        else:
            bar.bar_format = '%s: %5.1f%%|{bar}| %s' % (
                name, record['percent'], text)
            bar.total = 1000
            bar.n = int(record['percent'] * 10)
        bar.refresh()

    def close(self) -> None:
        for bar in self._bars.values():
            bar.close()
        for record in self._last:
            if record['failure']:
                print('%s: %s' % (record['store'], state_and_reason(record)),
                      flush=True)


def literally(text: str) -> str:
    """Return *text* for a format that is to show it as it is."""
    return text.replace('{', '{{').replace('}', '}}')


def choose(as_json: bool, live: bool) -> Display:
    """Return the display for standard output.

    :param as_json: the user asked for JSON
    :param live: there will be more than one update
    """
    if as_json:
        return Json()
    if live and sys.stdout.isatty():
        return Bars()
    return Lines()
