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
"""What callers were shown of images a moment ago, for those who ask often.

Three quarters of what an answer costs is what Glance reads from its database.
While bytes move, that is the same again: it is read anew every other second
for a caller, whose token was looked at longer ago than that.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable
import json
import threading
import time
from typing import Any

from glance_progress.answer import database
from glance_progress.records import wire

#: Seconds for which what a caller was shown is taken for what he may see.
MAX_AGE = 2.0

# Seconds since its last move in which a record moves, as far as anybody knows.
_MOVES = 5.0

_REMEMBERED = 1000


def caller(context: Any) -> str:
    """Return all of *context*, Glance's, by which it decides who sees what."""
    return json.dumps(
        [context.to_policy_values(), bool(context.is_admin)],
        sort_keys=True, default=str)


def moves(records: Iterable[wire.Record]) -> bool:
    """Tell whether one of an image's *records* is of what is going on."""
    now = time.time()
    return any(each.state == wire.UPLOADING and each.age(now) < _MOVES
               for each in records)


class Recent:
    """Remembers images as callers have been shown them, for MAX_AGE."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown: collections.OrderedDict[
            tuple[str, str], tuple[float, database.Image]] = (
                collections.OrderedDict())

    def get(self, caller: str, image_id: str) -> database.Image | None:
        """Return the image as *caller* was shown it, if a moment ago."""
        with self._lock:
            when, image = self._shown.get((caller, image_id), (0.0, None))
        return image if time.monotonic() - when < MAX_AGE else None

    def put(self, caller: str, image: database.Image) -> None:
        """Remember *image*, which Glance has just shown to *caller*."""
        with self._lock:
            self._shown.pop((caller, image.image_id), None)
            self._shown[caller, image.image_id] = time.monotonic(), image
            while len(self._shown) > _REMEMBERED:
                self._shown.popitem(last=False)
