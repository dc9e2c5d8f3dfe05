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
"""How far a step of an import is, by the files that it reads and writes.

Glance's plugins work in the staging area, and tell nothing. What rises evenly
is how much of the staged file was read: by this process, which decompresses it
or checks its signature, or by qemu-img, which converts it. The size of what
qemu-img writes is full at once; what is allocated of it rises.

qemu-img is looked at and nothing else. It answers to SIGUSR1 on its standard
error, on which Glance takes a single word for a failure.
"""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
import os
from typing import Any

import psutil

# stat(2): st_blocks counts these, whatever the file system's are.
_BLOCK = 512


@dataclasses.dataclass(frozen=True)
class Look:
    """What a look at the files of a step has found; sizes are in bytes.

    :param written: what the step has made, or has read where it makes nothing
    :param total: what that will be, None while nobody knows
    :param position: part of the staged file that was read, where the total is
        not known
    """

    written: int
    total: int | None = None
    position: float | None = None


def local(uri: str) -> str:
    """Return the path that Glance passes from step to step as *uri*."""
    return uri.split('file://')[-1]


def decompressing(source: str, target: str) -> Callable[[], Look | None]:
    """Return a look at this process as it decompresses *source*.

    :param target: what it is to become; some formats go there at the end
    """
    def look() -> Look | None:
        read = _read_here(source)
        if read is None:
            return None
        return Look(_allocated(target) or 0, position=_part(read, source))
    return look


def verifying(source: str) -> Callable[[], Look | None]:
    """Return a look at this process as it reads *source* to its end."""
    def look() -> Look | None:
        read, total = _read_here(source), size(source)
        if read is None or total is None:
            return None
        return Look(min(read, total), total=total)
    return look


class Conversion:
    """Looks at qemu-img as it converts *source*, once it has begun.

    :param source: path of the staged file
    :param target: returns the path of the converted one, empty before that is
        known
    """

    def __init__(self, source: str, target: Callable[[], str]) -> None:
        self._source = source
        self._target = target
        self._process: psutil.Process | None = None

    def __call__(self) -> Look | None:
        target = self._target()
        written = _allocated(target) if target else None
        if written is None:
            return None
        try:
            if self._process is None:
                self._process = _converter(target)
            if self._process is None:
                return None
            read = self._process.io_counters().read_chars
        except psutil.Error:
            self._process = None  # it has ended, or will soon be there
            return None
        return Look(written, position=_part(read, self._source))


def _converter(target: str) -> psutil.Process | None:
    """Return the child of this process that converts to *target*."""
    for child in psutil.Process().children(recursive=True):
        try:
            line = child.cmdline()
        except psutil.Error:
            continue
        # A script in the place of qemu-img is passed over for what it starts.
        if ('convert' in line and target in line
                and os.path.basename(line[0]) == 'qemu-img'):
            return child
    return None


def _read_here(path: str) -> int | None:
    """Return how much this process has read of a file that it has open."""
    opened: list[Any] = [
        each for each in psutil.Process().open_files()
        if each.path == path and each.mode == 'r']
    # What has not been closed for lack of a look at the garbage is older.
    return max(opened, key=lambda each: each.fd).position if opened else None


def _part(read: int, source: str) -> float | None:
    """Return which part of *source* was read, once that is known."""
    # A sparse file is read where it has data.
    sizes = [size(source) or 0, _allocated(source) or 0]
    return min(1.0, round(read / min(sizes), 6)) if all(sizes) else None


def size(path: str) -> int | None:
    """Return the size of a file in bytes, None when there is none."""
    try:
        return os.stat(path).st_size
    except OSError:
        return None


def _allocated(path: str) -> int | None:
    try:
        return os.stat(path).st_blocks * _BLOCK
    except OSError:
        return None
