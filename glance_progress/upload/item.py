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

"""What is to be uploaded: an image, as the user wants it to be."""

from __future__ import annotations

from collections.abc import Iterator
import dataclasses

from glance_progress.upload import sources


class Wrong(Exception):
    """An image cannot be uploaded; the text says why, in a sentence."""


@dataclasses.dataclass
class Item:
    """An image that is to be.

    :ivar name: of the image
    :ivar source: where its data are; None when *wrong* says why there are none
    :ivar disk_format: as Glance calls it
    :ivar container_format: as Glance calls it
    :ivar properties: name -> value
    :ivar min_disk: GiB
    :ivar min_ram: MiB
    :ivar stores: identifiers; none for the cloud's default
    :ivar kernel: the image that becomes its kernel_id
    :ivar ramdisk: the image that becomes its ramdisk_id
    :ivar after: the one before it that has the same name
    :ivar checksum: ``algorithm:hex`` of the data, as a list gives it
    :ivar wrong: why it cannot be uploaded; None when it can
    """

    name: str
    source: sources.Source | None = None
    disk_format: str = 'raw'
    container_format: str = 'bare'
    properties: dict[str, str] = dataclasses.field(default_factory=dict)
    tags: tuple[str, ...] = ()
    visibility: str | None = None
    protected: bool = False
    min_disk: int = 0
    min_ram: int = 0
    stores: tuple[str, ...] = ()
    kernel: Item | None = None
    ramdisk: Item | None = None
    after: Item | None = None
    checksum: str | None = None
    wrong: str | None = None

    @property
    def size(self) -> int | None:
        """Return the bytes of its data; None while nobody knows."""
        return None if self.source is None else self.source.size

    def parts(self) -> Iterator[tuple[str, Item]]:
        """Yield the property and the image of each that it is tied to."""
        if self.kernel is not None:
            yield 'kernel_id', self.kernel
        if self.ramdisk is not None:
            yield 'ramdisk_id', self.ramdisk
