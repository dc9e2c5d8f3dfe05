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

"""Counts the bytes that a store driver has written, from the reader's end.

The stock RBD driver asks for a chunk when it has written the one before. So
whoever stands between it and the image's data knows, at each request, that
all it has handed over so far is written.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any


class Meter:
    """Stands in for *image_file*, an iterable of chunks.

    :param image_file: what Glance gave to the driver's ``add()``
    :param written: called with the number of bytes written so far, before
        each chunk that is read, with 0 before the first
    :param failed: called when reading has raised
    """

    def __init__(
        self, image_file: Any, written: Callable[[int], None],
        failed: Callable[[], None],
    ) -> None:
        self._image_file = image_file
        self._written = written
        self._failed = failed
        self._handed_over = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._image_file, name)

    def __iter__(self) -> Iterator[bytes]:
        chunks = iter(self._image_file)
        while True:
            try:
                yield self._take(next, chunks)
            except StopIteration:
                return

    def _take(self, take: Callable[..., bytes], *args: Any) -> bytes:
        self._written(self._handed_over)
        try:
            chunk = take(*args)
        except StopIteration:
            raise
        except BaseException:
            self._failed()
            raise
        self._handed_over += len(chunk)
        return chunk


class ReadableMeter(Meter):
    """Stands in for an image file with a ``read`` method."""

    def read(self, *args: Any) -> bytes:
        return self._take(self._image_file.read, *args)


def around(
    image_file: Any, written: Callable[[int], None],
    failed: Callable[[], None],
) -> Meter:
    """Return the meter that offers what *image_file* does.

    glance_store reads what has a ``read`` and iterates over what has none.
    """
    kind = ReadableMeter if hasattr(image_file, 'read') else Meter
    return kind(image_file, written, failed)
