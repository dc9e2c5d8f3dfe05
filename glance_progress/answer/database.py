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

"""What Glance's database knows of an image."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Lock:
    """The lock that an import holds, as its task in the database has it.

    :param status: of the task; None where there is no such task any more
    :param since: when it was made; seconds since the epoch, or None
    :param updated_at: when Glance last heard of it, likewise
    :param locating: whether it takes in where an image's data already are
    :param request_id: of the request that has begun the import
    """

    status: str | None = None
    since: float | None = None
    updated_at: float | None = None
    locating: bool = False
    request_id: str | None = None


@dataclasses.dataclass(frozen=True)
class Image:
    """An image as Glance's database has it.

    :param size: in bytes; None while Glance does not know it
    :param stores: stores that hold the whole image
    :param targets: stores that an import is to fill, or was to
    :param failed: stores that the last import has failed to fill
    :param importing: whether an import is at work
    :param of_server: whether it is to be the snapshot of a server
    :param disk_format: such as ``raw``; None while nobody has said it
    :param min_disk: GiB that a disk made from it has to have
    :param volume_snapshots: ids of Cinder's snapshots that it consists of,
        beside data of its own
    :param hashing: whether Glance reads it back, to hash it
    :param created_at: seconds since the epoch; None when that is not known
    :param changed_at: when its row was last written, likewise
    :param import_task: id of the task whose import holds the image's lock
    :param lock: what is known of that
    """

    image_id: str
    name: str | None
    owner: str | None
    status: str
    size: int | None
    stores: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    importing: bool = False
    of_server: bool = False
    disk_format: str | None = None
    min_disk: int = 0
    volume_snapshots: tuple[str, ...] = ()
    hashing: bool = False
    created_at: float | None = None
    changed_at: float | None = None
    import_task: str | None = None
    lock: Lock | None = None

    @property
    def deleted(self) -> bool:
        """Whether its row is all that Glance has of it."""
        return self.status in ('deleted', 'pending_delete')

    @property
    def locating(self) -> bool:
        """Whether Glance takes in where the data are, which it has not yet."""
        return (self.status == 'queued' and self.lock is not None
                and self.lock.locating)

    @property
    def awaited(self) -> bool:
        """Whether data may come of which Glance knows nothing."""
        return self.status == 'queued' and not (
            self.importing and self.targets)

    @property
    def at_work(self) -> bool:
        """Whether somebody may be writing data of this image."""
        return self.importing or self.status in ('saving', 'uploading')

    @property
    def in_transit(self) -> bool:
        """Whether data of this image are under way."""
        return self.hashing or (
            self.status in ('saving', 'uploading', 'importing')) or (
            self.status == 'active' and self.importing
            and not self.targets <= self.stores)

    @property
    def unfilled(self) -> frozenset[str]:
        """Stores whose failed import nothing has made up for.

        Glance forgets a failure at the next import, but not at an upload.
        """
        if self.status == 'saving':
            return frozenset()
        return self.failed - self.stores

    def is_of_import(self, request_id: str | None) -> bool | None:
        """Tell whether a request has begun the import that is at work.

        None when one of the two is not known.
        """
        if (request_id is None or self.lock is None
                or self.lock.request_id is None):
            return None
        return self.lock.request_id == request_id
