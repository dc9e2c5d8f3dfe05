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
While bytes of one upload move, that is the same again: it is read anew every
other second for a caller, whose token was looked at longer ago than that, and
at once when an upload begins or ends, since other processes may have shown
what is new already.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable
import json
import threading
import time
from typing import Any
from typing import NamedTuple
from typing import Optional

from glance_progress.answer import database
from glance_progress.records import wire

#: Seconds for which what a caller was shown is taken for what he may see.
MAX_AGE = 2.0

# Seconds since its last move in which a record moves, as far as anybody knows.
_MOVES = 5.0

_REMEMBERED = 1000

#: Store, sequence, state and phase of each of an image's records
Uploads = frozenset[tuple[str, int, str, Optional[str]]]


class Shown(NamedTuple):
    """An image as a caller was shown it, and the uploads it had then."""

    when: float
    image: database.Image
    uploads: Uploads

    @property
    def fresh(self) -> bool:
        """Whether it was shown less than MAX_AGE ago."""
        return time.monotonic() - self.when < MAX_AGE


def caller(context: Any) -> str:
    """Return all of *context*, Glance's, by which it decides who sees what."""
    return json.dumps(
        [context.to_policy_values(), bool(context.is_admin)],
        sort_keys=True, default=str)


def uploads(records: Iterable[wire.Record]) -> Uploads | None:
    """Return which uploads an image's *records* are of.

    None when none of them moves.
    """
    now, records = time.time(), list(records)
    if not any(each.state == wire.UPLOADING and each.age(now) < _MOVES
               for each in records):
        return None
    return frozenset((each.store, each.sequence, each.state, each.phase)
                     for each in records)


class Recent:
    """Remembers images as callers have been shown them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown: collections.OrderedDict[
            tuple[str, str], Shown] = collections.OrderedDict()

    def get(self, caller: str, image_id: str) -> Shown | None:
        """Return the image as *caller* was last shown it.

        It holds while it is fresh and its uploads are the same.
        """
        with self._lock:
            return self._shown.get((caller, image_id))

    def put(
        self, caller: str, image: database.Image, of: Uploads | None
    ) -> None:
        """Remember *image*, which Glance has just shown to *caller*.

        :param of: its uploads; without any it is not remembered
        """
        with self._lock:
            self._shown.pop((caller, image.image_id), None)
            if of is None:
                return
            self._shown[caller, image.image_id] = Shown(
                time.monotonic(), image, of)
            while len(self._shown) > _REMEMBERED:
                self._shown.popitem(last=False)
