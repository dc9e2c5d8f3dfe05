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

"""Where the data of an image come from: a file, or a server.

A source is read in chunks, from its start each time that it is asked for them.
It has changed when what is read now is not what was looked at first.
"""

from __future__ import annotations

import abc
from collections.abc import Iterator
import hashlib
import os
import pathlib

import requests

#: Bytes that are read, hashed and sent at once: few enough to have many of
#: them, and so many that Python has little to do.
CHUNK = 1024 * 1024

#: Seconds in which a server that has data has to send some.
_TIMEOUT = 60


class Unreadable(Exception):
    """The data cannot be had; the text says why, in a sentence."""


class Source(abc.ABC):
    """Data of a size that is known.

    :ivar label: what people call it
    :ivar size: bytes; None until a server has told
    """

    label: str
    size: int | None

    @abc.abstractmethod
    def chunks(self) -> Iterator[bytes]:
        """Yield the data from the start on, CHUNK bytes or less at a time.

        :raises Unreadable: also when they have changed in the meantime
        """

    def digest(self, algorithm: str) -> str:
        """Return the hash of the data in hexadecimal digits.

        :raises Unreadable: when they cannot be read
        :raises ValueError: when Python does not know the algorithm
        """
        hasher = hashlib.new(algorithm, usedforsecurity=False)
        for chunk in self.chunks():
            hasher.update(chunk)
        return hasher.hexdigest()


class File(Source):
    """A file on this machine.

    :raises Unreadable: when there is no such file
    """

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.label = str(path)
        try:
            found = os.stat(path)
        except OSError as exc:
            raise Unreadable(_because(path, exc)) from exc
        self.size: int = found.st_size
        self._seen = _version(found)

    def chunks(self) -> Iterator[bytes]:
        try:
            with open(self.path, 'rb', buffering=0) as file:
                self._check(file.fileno())
                left = self.size
                while left:
                    chunk = file.read(min(CHUNK, left))
                    if not chunk:
                        break
                    left -= len(chunk)
                    yield chunk
                self._check(file.fileno())
        # Whoever sends it would take it for one of the connection.
        except OSError as exc:
            raise Unreadable(_because(self.path, exc)) from exc

    def _check(self, descriptor: int) -> None:
        if _version(os.fstat(descriptor)) != self._seen:
            raise Unreadable('%s has changed while it was used' % self.path)


class Url(Source):
    """A file on a server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.label = url
        self.size = None

    def open(self) -> None:
        """Ask the server for the size.

        :raises Unreadable: when it does not tell
        """
        with self._get() as answer:
            self._look(answer)

    def chunks(self) -> Iterator[bytes]:
        with self._get() as answer:
            size = self._look(answer)
            come = 0
            try:
                for chunk in answer.iter_content(CHUNK):
                    come += len(chunk)
                    yield chunk
            except requests.RequestException as exc:
                raise Unreadable('%s: %s' % (self.url, exc)) from exc
        if come != size:
            raise Unreadable('%s has sent %d of %d bytes' % (
                self.url, come, size))

    def _get(self) -> requests.Response:
        try:
            answer = requests.get(
                self.url, stream=True, timeout=_TIMEOUT,
                # What is stored is what the server has, not unpacked.
                headers={'Accept-Encoding': 'identity'})
        except requests.RequestException as exc:
            raise Unreadable('%s: %s' % (self.url, exc)) from exc
        if answer.status_code != requests.codes.ok:
            answer.close()
            raise Unreadable('%s answers %d' % (self.url, answer.status_code))
        return answer

    def _look(self, answer: requests.Response) -> int:
        told = answer.headers.get('Content-Length', '')
        if not told.isdecimal() or answer.headers.get('Content-Encoding'):
            raise Unreadable('%s does not tell its size' % self.url)
        if self.size is not None and int(told) != self.size:
            raise Unreadable('%s has changed while it was used' % self.url)
        self.size = int(told)
        return self.size


def _version(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _because(path: pathlib.Path, exc: OSError) -> str:
    return '%s: %s' % (path, exc.strerror or exc)
