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

"""What a run has made, so that a later one can clean up after a dead one.

Each run has a file with the ids of its images, which it keeps locked while it
lives; the kernel takes the lock away when it has died, however that was. An
unfinished image is deleted only when it is in such a file that nobody has
locked, and bears the run's own mark: never for its age or its name.
"""

from __future__ import annotations

from collections.abc import Iterator
import dataclasses
import fcntl
import logging
import os
import pathlib
import threading
from typing import TextIO
import uuid

LOG = logging.getLogger(__name__)


def directory() -> pathlib.Path:
    """Return where the files of this user are."""
    state = os.environ.get('XDG_STATE_HOME') or '~/.local/state'
    return (pathlib.Path(state) / 'glance-progress' / 'uploads').expanduser()


class Journal:
    """The file of this run.

    Without a place for it a run has none, and nobody cleans up after it.

    :param place: the cloud and project that can see the images
    :ivar run: the mark of this run
    """

    def __init__(self, where: pathlib.Path, place: str) -> None:
        self.run = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._path = where / self.run
        self._file: TextIO | None = None
        try:
            where.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = open(self._path, 'x', encoding='utf-8')
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except OSError as exc:
            LOG.warning('Should this run be killed, no other one will clean '
                        'up after it: %s', exc)
        self._write(place)

    def add(self, image_id: str) -> None:
        """Note an image, before it is made."""
        self._write(image_id)

    def _write(self, line: str) -> None:
        with self._lock:
            if self._file is not None:
                self._file.write(line + '\n')
                self._file.flush()

    def end(self, clean: bool) -> None:
        """Take the file away, unless something of it is left."""
        if self._file is not None:
            if clean:
                self._path.unlink(missing_ok=True)
            self._file.close()


@dataclasses.dataclass(frozen=True)
class Dead:
    """A run that has died.

    :ivar run: its mark
    :ivar image_ids: what it may have made
    """

    run: str
    image_ids: tuple[str, ...]
    path: pathlib.Path

    def forget(self) -> None:
        """Take its file away."""
        self.path.unlink(missing_ok=True)


def dead(where: pathlib.Path, place: str) -> Iterator[Dead]:
    """Yield each run of this user in that place that has died.

    Its file stays locked meanwhile, so that one other run alone cleans up.
    """
    try:
        paths = sorted(where.iterdir())
    except OSError:
        return
    for path in paths:
        try:
            with open(path, encoding='utf-8') as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                first, *image_ids = file.read().splitlines() or ['']
                # It may have been taken away between the two.
                if first == place and path.exists():
                    yield Dead(path.name, tuple(image_ids), path)
        except (OSError, UnicodeError):
            continue  # it is locked: that run lives
