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

"""What is known of an image at one look. It knows neither Glance nor Ceph."""

from __future__ import annotations

import dataclasses

from glance_progress.ceph import holdings


@dataclasses.dataclass(frozen=True)
class Row:
    """What Glance's database says; times in seconds since the epoch.

    :param deleted: whether the image was deleted, also when its row is kept
    :param import_task: that holds the import lock
    :param importing_to: stores that an import has yet to fill
    :param stage_host: worker_self_reference_url of who has staged it
    :param snapshot: whether Nova makes it of a server
    :param stores: that have a location of it, whatever its status
    :param placeholders: ids of the locations that stand for data that a
        parallel import has yet to bring
    """

    status: str
    deleted: bool = False
    updated_at: float = 0.0
    import_task: str | None = None
    importing_to: tuple[str, ...] = ()
    stage_host: str | None = None
    snapshot: bool = False
    stores: tuple[str, ...] = ()
    placeholders: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Task:
    """A task of Glance's.

    :param method: of an import, as ``copy-image``
    """

    task_id: str
    kind: str
    status: str
    created_at: float
    updated_at: float
    image_id: str | None = None
    method: str | None = None


@dataclasses.dataclass(frozen=True)
class File:
    """A file in the staging area of this host.

    :param open: whether a process of this host has it open; None when that
        cannot be told
    """

    path: str
    size: int
    modified_at: float
    open: bool | None


@dataclasses.dataclass(frozen=True)
class Heard:
    """The last that was heard of an upload, through memcached.

    :param uploading: whether that was no end
    :param ended: whether the process that was to write has ended; None when
        that cannot be told from here
    :param staging: whether that was in the staging area
    """

    sequence: int
    started_at: float
    updated_at: float
    uploading: bool
    ended: bool | None
    staging: bool = False


@dataclasses.dataclass(frozen=True)
class Image:
    """One look at an image.

    :param row: None where this Glance has no such row, not even a deleted one
    :param tasks: that hold its lock, or have not ended
    :param data: RBD images by its id that no location names
    :param registered: those that its locations name, while it is importing
    :param begun: ids of those whose removal a run has begun before
    :param restored_at: when one of those was brought back
    :param elsewhere: stores that are not in Ceph
    """

    image_id: str
    row: Row | None = None
    tasks: tuple[Task, ...] = ()
    data: tuple[holdings.Data, ...] = ()
    registered: tuple[holdings.Data, ...] = ()
    files: tuple[File, ...] = ()
    heard: Heard | None = None
    begun: frozenset[str] = frozenset()
    restored_at: float = 0.0
    elsewhere: frozenset[str] = frozenset()

    @property
    def lock(self) -> Task | None:
        """The task that holds the import lock; None if it is gone."""
        wanted = self.row.import_task if self.row else None
        return next((each for each in self.tasks
                     if each.task_id == wanted), None)

    @property
    def last_sign(self) -> float:
        """When something last happened to it, in seconds since the epoch."""
        signs = [self.restored_at]
        signs += [max(each.created_at, each.modified_at)
                  for each in (*self.data, *self.registered)]
        signs += [each.modified_at for each in self.files]
        signs += [each.updated_at for each in self.tasks]
        if self.row is not None:
            signs.append(self.row.updated_at)
        if self.heard is not None:
            signs.append(self.heard.updated_at)
        return max(signs)
