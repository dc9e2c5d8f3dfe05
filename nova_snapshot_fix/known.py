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

"""What is known of a server: the words for it.

:mod:`nova_snapshot_fix.facts` and :mod:`nova_snapshot_fix.images` find out,
:mod:`nova_snapshot_fix.judgement` judges by it. It knows nothing of Nova.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
import dataclasses
import enum
from typing import Any
from typing import Optional
from typing import Union

from nova_snapshot_fix import remembered as memory

#: The key in system_metadata that snapshots get their base_image_ref from.
KEY = memory.IMAGE_PREFIX + 'base_image_ref'

#: What the libvirt driver registers on a server where its image does not say
#: (nova.virt.libvirt.driver.REGISTER_IMAGE_PROPERTY_DEFAULTS).
REGISTERED = frozenset((
    'hw_cdrom_bus', 'hw_disk_bus', 'hw_input_bus', 'hw_machine_type',
    'hw_pointer_model', 'hw_video_model', 'hw_vif_model'))

Metadata = Mapping[str, Optional[str]]

#: Properties by the names that Nova has for them, as text.
Properties = Mapping[str, str]


class Unknown(enum.Enum):
    """Why an image, or what a volume was made from, is not known."""

    #: There is no such image, says somebody who would see it.
    GONE = 'gone'
    #: The one who asks may not see it, or it is gone.
    NOT_SEEN = 'not seen'
    #: The service has not answered.
    NO_ANSWER = 'no answer'


@dataclasses.dataclass(frozen=True)
class Image:
    """What Glance says of an image, or Cinder of a volume's, today.

    ``id`` is None for a volume that was not made from an image. ``base`` is
    the property base_image_ref. ``properties`` are those that Nova knows,
    ``record`` is the whole as a dictionary of Nova's.
    """

    id: str | None
    base: str | None
    properties: Properties
    record: Mapping[str, Any]


#: Returns an image by its id, or that of a volume by the volume's id.
LookUp = Callable[[str], Union[Image, Unknown]]


class Rebuild(enum.Enum):
    """What came of a rebuild, by Nova's record of the server's actions."""

    #: The conductor found no host; no compute service was asked.
    REFUSED = 'refused'
    #: It was handed to a compute service.
    ACCEPTED = 'accepted'
    #: The conductor has begun, and not said yet how it ended. Nova clears the
    #: task_state of a server before it records that a rebuild was refused.
    UNDER_WAY = 'under way'
    #: There is none, or its record has been removed.
    UNKNOWN = 'unknown'


@dataclasses.dataclass(frozen=True)
class Facts:
    """What the databases of Nova say of a server.

    ``volume`` is the id of its root volume and None where it has none;
    ``metadata`` are its image_* keys, ``recorded`` those properties of them
    that Nova knows, ``columns`` those that a rebuild takes from an image, and
    ``requested`` and ``requested_properties`` the id and the properties of
    RequestSpec.image. ``shelved_image`` is what the last shelving has made of
    the server, None when it has been unshelved since; ``unshelve_failed`` says
    that a compute service has failed to do that since the last rebuild that
    was not refused. ``rebuild`` is what came of the newest rebuild, whose
    request had the id ``rebuild_request``;
    ``ever_refused`` says whether any was refused, and ``remembered_rebuild``
    what came of the one that ``remembered`` is from, and of those since:
    REFUSED if all of them were.
    """

    uuid: str
    project_id: str | None
    image_ref: str | None
    busy: bool
    metadata: Metadata
    columns: memory.Columns
    recorded: Properties
    volume_backed: bool
    volume: str | None
    has_request: bool
    requested: str | None
    requested_properties: Properties
    rebuild: Rebuild
    shelved_image: str | None = None
    unshelve_failed: bool = False
    rebuild_request: str | None = None
    ever_refused: bool = False
    remembers: bool = False
    remembered: memory.Remembered | None = None
    remembered_rebuild: Rebuild = Rebuild.UNKNOWN

    @property
    def key(self) -> str | None:
        """The base image that is recorded; None where none is."""
        return self.metadata.get(KEY)

    @property
    def as_requested(self) -> bool:
        """The metadata have the properties of the image in the RequestSpec.

        What a driver has registered on the server since does not count.
        """
        return self.has_request and self.requested_properties == {
            name: value for name, value in self.recorded.items()
            if name in self.requested_properties or name not in REGISTERED}
