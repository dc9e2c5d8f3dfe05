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

"""One image on its way, as those see it who show it."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
from typing import Any

from glance_progress.upload import item
from glance_progress.upload import reading

WAITING = 'waiting'
COMPARING = 'comparing'
SENDING = 'sending'
UPLOADED = 'uploaded'
SKIPPED = 'skipped'
REFUSED = 'refused'
FAILED = 'failed'

#: States in which an image is as it was wanted.
GOOD = (UPLOADED, SKIPPED)
#: States that are the last one.
ENDED = (*GOOD, REFUSED, FAILED)


@dataclasses.dataclass
class Task:
    """What has come of an item so far.

    A thread works on it, and others look at it; each field is written by one.

    :ivar parts: property and task of each image that it is tied to
    :ivar after: the task before it that has the same name
    :ivar image_id: of the image that was made, or found
    :ivar status: of the image, as Glance has last said
    :ivar reason: why it is in its state, in a sentence
    :ivar made: whether this run has made the image, and it is not yet done
    :ivar verified: whether the image's hash is that of the data; None when
        that cannot be known
    :ivar verified_by: the hash, or why there is none
    :ivar saved: bytes that the store did not have to keep; None when the
        cloud does not say whether it saves
    :ivar body: what is being sent
    :ivar snapshot: what the cloud last said of its progress
    """

    item: item.Item
    parts: tuple[tuple[str, Task], ...] = ()
    after: Task | None = None
    state: str = WAITING
    image_id: str | None = None
    status: str | None = None
    reason: str = ''
    made: bool = False
    verified: bool | None = None
    verified_by: str = ''
    saved: int | None = None
    body: reading.Reading | None = None
    snapshot: dict[str, Any] | None = None

    @property
    def ended(self) -> bool:
        """Tell whether nothing more will come of it."""
        return self.state in ENDED

    @property
    def ready(self) -> bool:
        """Tell whether what it waits for has ended."""
        return all(part.ended for _, part in self.parts) and (
            self.after is None or self.after.ended)

    def end(self, state: str, reason: str = '') -> None:
        """Say what has come of it in the end."""
        self.reason = reason
        self.state = state


def of(items: Sequence[item.Item]) -> list[Task]:
    """Return a task for each item, those of parts before their wholes."""
    tasks: dict[int, Task] = {}
    for each in items:
        tasks[id(each)] = Task(
            each, tuple((name, tasks[id(part)])
                        for name, part in each.parts()),
            None if each.after is None else tasks[id(each.after)])
    return list(tasks.values())
