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

"""A live view of all images in transit, like top, for ``list --watch``."""

from __future__ import annotations

import abc
from collections.abc import Callable
from collections.abc import Sequence
import shutil
import sys
import time
from typing import Any

from keystoneauth1 import exceptions
import tqdm

from glance_progress.cli import display
from glance_progress import client
from glance_progress.osc import words

# Seconds between two looks; the server may ask for more.
_INTERVAL = 1.0

# Columns of a bar, and of a name.
_BAR = 20
_NAME = 24

# Looks that an image is shown in after it is in transit no more.
_LINGER = 5

# What xterm and all that are like it obey: another screen, its top left
# corner, the rest of a line, the rest of the screen, and the screen before.
_ENTER, _HOME, _LINE, _REST, _LEAVE = (
    '\x1b[?1049h', '\x1b[H', '\x1b[K', '\x1b[J', '\x1b[?1049l')

Select = Callable[[client.Snapshot], bool]


class View(abc.ABC):
    """Shows what is in transit, look by look."""

    @abc.abstractmethod
    def update(self, going: Sequence[client.Snapshot],
               gone: Sequence[client.Snapshot], wait: float) -> None:
        """Show what is in transit, and what no longer is.

        :param wait: seconds until the next look
        """

    def close(self) -> None:
        """Show nothing more."""


class Lines(View):
    """Prints a line for each image of which there is news."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def update(self, going: Sequence[client.Snapshot],
               gone: Sequence[client.Snapshot], wait: float) -> None:
        for snapshot in [*going, *gone]:
            text = line(snapshot)
            if self._last.get(snapshot['image_id']) != text:
                self._last[snapshot['image_id']] = text
                print('%s  %s' % (snapshot['image_id'], text), flush=True)
        for snapshot in gone:
            self._last.pop(snapshot['image_id'], None)


class Screen(View):
    """Takes the whole terminal, and gives it back as it was."""

    def __init__(self) -> None:
        self._gone: list[tuple[int, client.Snapshot]] = []
        self._write(_ENTER)

    def update(self, going: Sequence[client.Snapshot],
               gone: Sequence[client.Snapshot], wait: float) -> None:
        self._gone = [(looks - 1, each) for looks, each in self._gone
                      if looks > 1] + [(_LINGER, each) for each in gone]
        size = shutil.get_terminal_size()
        lines = [head(going, wait), '',
                 *(line(each, bar=True) for each in going),
                 *(line(each, bar=True) for _, each in self._gone)]
        if len(lines) > size.lines:
            lines = [*lines[:size.lines - 1],
                     '... and %d more' % (len(lines) - size.lines + 1)]
        self._write(_HOME + '\n'.join(
            each[:size.columns] + _LINE for each in lines) + _REST)

    def close(self) -> None:
        self._write(_LEAVE)

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def head(going: Sequence[client.Snapshot], wait: float) -> str:
    """Return what is to be said of all images together."""
    rate = sum(store['bytes_per_second'] or 0
               for each in going for store in _moving(each))
    return '%s  %d in transit, %s/s, next look in %.0f s' % (
        time.strftime('%H:%M:%S'), len(going), display.size(rate), wait)


def line(snapshot: client.Snapshot, bar: bool = False) -> str:
    """Return what there is to say of an image."""
    name = display.printable(snapshot['name'] or snapshot['image_id'])
    if bar:
        name = name[:_NAME].ljust(_NAME)
    percent = snapshot['percent']
    parts = [name, '  -   ' if percent is None else '%5.1f%%' % percent]
    if bar:
        parts.append(_bar(percent))
    parts.append(words.state(snapshot) + words.beside(snapshot))
    parts += ['%s %s%s' % (
        store['store'], display.numbers(store),
        ', ' + display.state(store) if store['stalled'] else '')
        for store in _moving(snapshot)]
    failure = snapshot['last_failure']
    if snapshot['phase'] == 'failed' and failure:
        parts.append(display.printable(failure['failure'] or ''))
    return '  '.join(parts)


def _moving(snapshot: client.Snapshot) -> list[dict[str, Any]]:
    return [store for store in snapshot['stores']
            if store['state'] == 'uploading']


def _bar(percent: float | None) -> str:
    drawn: str = tqdm.tqdm.format_meter(
        int(percent or 0), 100, 0, ncols=_BAR, bar_format='|{bar}|')
    return drawn


def choose() -> View:
    """Return the view for standard output."""
    return Screen() if sys.stdout.isatty() else Lines()


def watch(session: client.Session, wanted: Select, view: View) -> None:
    """Show what is in transit until the user has had enough.

    A server that fails to answer for less than client.PATIENCE is waited for,
    except at the first look.

    :param wanted: tells which images to show
    :raises client.NoProgressApi: when glance-api has no such resource
    :raises exceptions.ClientException: when it does not answer
    """
    api = client.Api(session)
    known: dict[str, client.Snapshot] = {}
    answered: float | None = None
    while True:
        try:
            going = [each for page in client.pages(api)
                     for each in page['images'] if wanted(each)]
            pause = max(_INTERVAL, api.retry_after)
            ids = {each['image_id'] for each in going}
            gone = [_last(api, each) for image_id, each in known.items()
                    if image_id not in ids]
        except exceptions.ClientException as exc:
            if (answered is None or not client.passes(exc)
                    or time.monotonic() - answered > client.PATIENCE):
                raise
            pause = _INTERVAL
        else:
            answered = time.monotonic()
            known = {each['image_id']: each for each in going}
            view.update(going, gone, pause)
        time.sleep(pause)


def _last(api: client.Api, before: client.Snapshot) -> client.Snapshot:
    """Return how an image has ended that is in transit no more."""
    try:
        return api.show(before['image_id'])
    except client.ImageNotFound:
        return {**before, 'status': 'deleted', 'phase': 'deleted',
                'percent': None, 'stores': [], 'waiting_for': None,
                'import_lock': None, 'silent_since_iso': None}
