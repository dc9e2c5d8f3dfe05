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

"""What is found: of which kind, how sure, and why."""

from __future__ import annotations

import dataclasses
from typing import Any

from glance_progress.ceph import holdings
from glance_progress.leftovers import facts

# Kinds: the words by which an operator has them removed
UPLOADS = 'uploads'
DATA = 'data'
COPIES = 'copies'
STAGING = 'staging'
TASKS = 'tasks'
# (in the order in which they are: a lock is freed before what it guards)
REMOVABLE = (UPLOADS, TASKS, DATA, COPIES, STAGING)

# and what is told alone
LOST = 'lost'
TRASH = 'trash'
KINDS = (*REMOVABLE, LOST, TRASH)

# How sure
LEFT = 'left behind'
UNKNOWN = 'unknown'
MISSING = 'missing'
EXPIRED = 'expired'
WAITING = 'waiting'

#: What a finding of each kind may be.
STATES = {**dict.fromkeys(REMOVABLE, (LEFT, UNKNOWN)),
          LOST: (MISSING,), TRASH: (EXPIRED, WAITING)}


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that was left behind, or may have been.

    :param what: in words
    :param why: what proves it, or what cannot be told
    :param since: when something last happened to it
    :param size: bytes that removal gives back; None when not known
    :param seen: the image that it is of, as it was looked at
    """

    kind: str
    state: str
    image_id: str
    what: str
    why: str
    store: str | None = None
    size: int | None = None
    since: float | None = None
    data: tuple[holdings.Data, ...] = ()
    files: tuple[facts.File, ...] = ()
    task: facts.Task | None = None
    seen: facts.Image | None = dataclasses.field(default=None, repr=False)

    @property
    def removable(self) -> bool:
        return self.state == LEFT and self.kind in REMOVABLE

    @property
    def notable(self) -> bool:
        """Whether there is something to do about it, or to find out."""
        return self.state != WAITING

    def describe(self) -> dict[str, Any]:
        """Return what there is to say of it, ready for JSON."""
        return {
            'kind': self.kind, 'state': self.state,
            'image_id': self.image_id, 'store': self.store,
            'what': self.what, 'why': self.why, 'size': self.size,
            'since': self.since,
            'rbd_images': ['%s/%s' % (each.place.pool, each.name)
                           for each in self.data],
            'files': [each.path for each in self.files],
            'task': self.task and self.task.task_id}
