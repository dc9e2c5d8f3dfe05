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
"""An upload that goes on only as its test wants it to."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from concurrent import futures
import queue

MiB = 1024 * 1024

#: One MiB of image data; of no format that Glance's inspection knows.
DATA = b'glance-progress ' * (MiB // 16)


class BrokenOff(Exception):
    """The connection is closed before all of the data is sent."""


class SlowUpload:
    """Uploads image data in a thread of its own.

    At the end of the ``with`` statement the connection is closed, if the
    upload has not ended by then.

    :param upload: takes the pieces of the data and their size in bytes, and
        returns when all is uploaded
    :param size: what is announced, in MiB
    """

    def __init__(
        self, upload: Callable[[Iterable[bytes], int], object], size: int
    ) -> None:
        self._left = size
        self._pieces: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        executor = futures.ThreadPoolExecutor(max_workers=1)
        self._answer = executor.submit(upload, self._data(), size * MiB)
        executor.shutdown(wait=False)

    def __enter__(self) -> SlowUpload:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._pieces.put(None)
        futures.wait([self._answer])

    def _data(self) -> Iterator[bytes]:
        while (piece := self._pieces.get()) is not None:
            yield piece
        if self._left:
            # urllib3 passes it on, and closes the connection.
            raise BrokenOff

    def send(self, size: int) -> None:
        """Let so many MiB more go; they may take a while to arrive."""
        self._left -= size
        for _ in range(size):
            self._pieces.put(DATA)

    def finish(self) -> None:
        """Let the rest go, wait for the end, and raise what it raises."""
        self.send(self._left)
        self._pieces.put(None)
        self._answer.result()
