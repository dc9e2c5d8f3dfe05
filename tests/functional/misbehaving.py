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

"""Image files, verifiers and images of Ceph that do what others do not."""

from __future__ import annotations

from collections.abc import Iterator
import io
import itertools
from typing import Any

import rbd

CHUNK = 1024 * 1024


class OddReader:
    """Returns fewer bytes than it is asked for, never the same number."""

    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)
        self._sizes = itertools.cycle([1, CHUNK, 4095, 65537, 3, CHUNK // 2])

    def read(self, size: int) -> bytes:
        return self._file.read(min(size, next(self._sizes)))


class Iterable:
    """Has no read method; glance_store iterates over it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._content), 100_000):
            yield self._content[start:start + 100_000]


class FailingReader(OddReader):
    """Raises what a lost client does to uwsgi's input, in the middle."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._left = len(content) // 2

    def read(self, size: int) -> bytes:
        chunk = super().read(size)
        self._left -= len(chunk)
        if self._left < 0:
            raise OSError('error during read(8388608) on wsgi.input')
        return chunk


class Verifier:
    """Stands for cryptography's: takes the data in order, may refuse it."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.taken = b''
        self._fail_at = fail_at

    def update(self, chunk: bytes) -> None:
        if self._fail_at is not None and len(self.taken) >= self._fail_at:
            raise ValueError('the verifier refuses')
        self.taken += bytes(chunk)


class FailedWrite:
    """A completion with an error number."""

    def __init__(self, number: int) -> None:
        self._number = number

    def is_complete(self) -> bool:
        return True

    def wait_for_complete_and_cb(self) -> None:
        pass

    def get_return_value(self) -> int:
        return -self._number


def failing_writes(
    cls: type[rbd.OSError], number: int, chunk: int
) -> type[rbd.Image]:
    """Return an image class of which writes fail, from a chunk on.

    Both calls that write fail as the binding lets them.
    """
    write, aio_write = rbd.Image.write, rbd.Image.aio_write

    def fail(image: Any, data: bytes, offset: int, *args: Any) -> Any:
        if offset >= chunk * CHUNK:
            # as the binding puts it
            raise cls('error writing to %r' % image.get_name().encode(),
                      errno=number)
        return write(image, data, offset, *args)

    def aio_fail(image: Any, data: bytes, offset: int, *args: Any) -> Any:
        if offset >= chunk * CHUNK:
            return FailedWrite(number)
        return aio_write(image, data, offset, *args)

    return image_class(write=fail, aio_write=aio_fail)


def image_class(**replaced: Any) -> type:
    return type('Image', (rbd.Image,), replaced)
