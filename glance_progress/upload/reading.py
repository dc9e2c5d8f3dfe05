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

"""One reading of an image's data: they are hashed, counted and sent."""

from __future__ import annotations

from collections.abc import Iterator
import hashlib
import threading

from glance_progress.upload import sources
from glance_progress.upload import zeros


class Interrupted(Exception):
    """The user has had enough."""


class Reading:
    """The body of a request, which requests iterates over.

    It begins anew when the request is sent again, as with a new token, and so
    does all that it counts.

    :param data: what is read
    :param algorithms: names of the hashes that are wanted
    :param chunk_size: bytes that the store writes at once
    :param stopped: is set when nothing more is to be read
    :ivar sent: bytes that the connection has taken
    :ivar digests: algorithm -> hexadecimal digits, once all has been read
    :ivar zeros: what of it is nothing but zeros
    """

    def __init__(
        self, data: sources.Source, algorithms: tuple[str, ...],
        chunk_size: int, stopped: threading.Event,
    ) -> None:
        self._data = data
        self._algorithms = algorithms
        self._chunk_size = chunk_size
        self._stopped = stopped
        self._begin()

    def _begin(self) -> None:
        self.sent = 0
        self.digests: dict[str, str] = {}
        self.zeros = zeros.Counter(self._chunk_size)

    def __len__(self) -> int:
        return self._data.size or 0

    def __str__(self) -> str:
        # As curl calls it, in what --debug logs.
        return '@' + self._data.label

    def __iter__(self) -> Iterator[bytes]:
        self._begin()
        hashers = [hashlib.new(each, usedforsecurity=False)
                   for each in self._algorithms]
        for chunk in self._data.chunks():
            if self._stopped.is_set():
                raise Interrupted
            for hasher in hashers:
                hasher.update(chunk)
            self.zeros.add(chunk)
            yield chunk
            self.sent += len(chunk)
        self.zeros.end()
        self.digests = {each.name: each.hexdigest() for each in hashers}
