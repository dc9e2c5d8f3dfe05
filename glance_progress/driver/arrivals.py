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

"""Sees the bytes of an upload come, before they make up a chunk.

A chunk of 8 MiB takes a slow sender longer than what counts as stalled. So a
request's body is read in pieces, and each that comes is a sign of life.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
import time
from typing import Any
from typing import Protocol

# Bytes that a sender is waited for at once. It begins with few; more take less
# time, up to 1 MiB: what is larger does not fit in the processor's caches, and
# to read 8 MiB at once takes twice the time.
_SMALLEST = 4 * 1024
_LARGEST = 1024 * 1024

# Seconds in which a piece has come fast enough for a larger one, and after
# which it has come too slowly.
_FAST = 0.05
_SLOW = 0.5


class Upload(Protocol):
    """What is told of arrivals."""

    def received(self, size: int) -> None:
        """*size* bytes have come from the sender."""


class Body:
    """Stands in for the body of a request.

    :param body: has a ``read`` method
    :param uploads: of the request, those that are yet to begin among them
    """

    def __init__(self, body: Any, uploads: Sequence[Upload]) -> None:
        self._body = body
        self._uploads = uploads
        self._received = 0
        self._piece = _SMALLEST

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def read(self, *args: Any) -> bytes:
        """Return what the body's own ``read`` does."""
        size = args[0] if args else None
        if size is None or size <= _SMALLEST:
            chunk: bytes = self._body.read(*args)
            self._tell(len(chunk))
            return chunk
        pieces: list[bytes] = []
        left = size
        while left > 0:
            wanted = min(self._piece, left)
            pieces.append(self._take(wanted))
            left -= len(pieces[-1])
            if len(pieces[-1]) < wanted:
                break
        return b''.join(pieces)

    def forget(self) -> None:
        """Let go of the uploads; who reads on does so for nothing."""
        self._uploads = ()

    def _take(self, size: int) -> bytes:
        begun = time.monotonic()
        piece: bytes = self._body.read(size)
        took = time.monotonic() - begun
        self._tell(len(piece))
        if took > _SLOW:
            self._piece = max(self._piece // 2, _SMALLEST)
        elif took < _FAST and size == self._piece:
            self._piece = min(self._piece * 2, _LARGEST)
        return piece

    def _tell(self, size: int) -> None:
        self._received += size
        for upload in self._uploads:
            upload.received(self._received)
