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

"""Follows the states that an image goes through while it is watched."""

from __future__ import annotations

import time
from typing import Any

import tqdm

from glance_progress.osc import words
from glance_progress.records import wire


class Life:
    """Tells the states so far, and how long each has lasted.

    The state at the first look had begun before it. Its time counts from when
    the oldest of the uploads was begun that go on, and is a lower bound.
    """

    def __init__(self) -> None:
        self._steps: list[str] = []
        self._state: str | None = None
        self._since = 0.0

    def update(self, snapshot: dict[str, Any]) -> str:
        """Return the states so far, such as ``queued 00:02 -> saving``."""
        state, now = words.state(snapshot), time.monotonic()
        if self._state is None:
            self._state, self._since = state, now - _elapsed(snapshot)
        elif state != self._state:
            self._steps.append('%s %s%s' % (
                self._state, '' if self._steps else 'at least ',
                tqdm.tqdm.format_interval(now - self._since)))
            self._state, self._since = state, now
        return ' -> '.join([*self._steps, state]) + words.beside(snapshot)


def _elapsed(snapshot: dict[str, Any]) -> float:
    """Return the seconds since the oldest upload was begun.

    The age bridges the writer's clock and that of the server; the clock of
    this machine plays no part.
    """
    return max((store['updated_at'] - store['started_at'] + store['age']
                for store in snapshot['stores']
                if store['state'] == wire.UPLOADING), default=0.0)
