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


"""The facts of servers, from the databases of Nova and by its own functions.

What a volume-backed server is, what an image's properties are and how they
are recorded is what Nova's functions say of it.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping
import dataclasses
from typing import Any

from nova.compute import utils as compute_utils
from nova import objects
from nova import utils
from oslo_utils import strutils

try:
    from nova.block_device import get_image_metadata_from_volume
except ImportError:  # Train (20)
    from nova.utils import get_image_metadata_from_volume

from nova_snapshot_fix import database
from nova_snapshot_fix import known
from nova_snapshot_fix import remembered
from nova_snapshot_fix import request_spec

# Of servers on which something begins while they are read, the third reading
# is the last one.
_ATTEMPTS = 3


@dataclasses.dataclass(frozen=True)
class Server:
    """An instance and what else there is to know of it, as it was read.

    ``moved`` says that it has changed while it was read.
    """

    instance: database.Instance
    block_devices: Any
    request: dict[str, Any] | None
    history: database.History
    moved: bool = False

    def facts(self, context: Any) -> known.Facts:
        """Return the facts that the server is judged by.

        :raises ValueError: if Nova itself could not read its metadata
        """
        instance = self.instance
        image_ref = instance.columns['image_ref']
        metadata = remembered.image_metadata(instance.metadata)
        root = self.block_devices.root_bdm()
        memory = remembered.unpack(instance.metadata)
        rebuilds = self.history.rebuilds
        rebuild_request, rebuild = (
            list(rebuilds.items()) or [
                (None, known.Rebuild.UNKNOWN)])[-1]
        requested: dict[str, str] = {}
        if self.request is not None:
            requested = request_spec.properties(
                request_spec.image_meta(self.request))
        return known.Facts(
            uuid=instance.uuid,
            project_id=instance.project_id,
            image_ref=image_ref,
            busy=(self.moved or instance.task_state is not None
                  or rebuild is known.Rebuild.UNDER_WAY),
            metadata=metadata,
            columns=instance.columns,
            recorded=request_spec.properties(image_meta(metadata)),
            volume_backed=compute_utils.is_volume_backed_instance(
                context, {'uuid': instance.uuid, 'image_ref': image_ref},
                self.block_devices),
            volume=root.volume_id if root is not None else None,
            has_request=self.request is not None,
            requested=request_spec.image_id(self.request),
            requested_properties=requested,
            shelved_image=instance.shelved_image,
            unshelve_failed=self.history.unshelve_failed,
            rebuild=rebuild,
            rebuild_request=rebuild_request,
            ever_refused=known.Rebuild.REFUSED in rebuilds.values(),
            remembers=bool(remembered.keys(instance.metadata)),
            remembered=memory,
            remembered_rebuild=self._since(memory))

    def _since(
        self, memory: remembered.Remembered | None
    ) -> known.Rebuild:
        """Return REFUSED if that is all that has happened since.

        A nova-api without the extension leaves what is remembered, so that
        it may be older than a rebuild that was accepted.
        """
        requests = list(self.history.rebuilds)
        if memory is None or memory.request_id not in requests:
            return known.Rebuild.UNKNOWN
        since = list(self.history.rebuilds.values())[
            requests.index(memory.request_id):]
        return next((each for each in since
                     if each is not known.Rebuild.REFUSED),
                    known.Rebuild.REFUSED)


def load(context: Any, uuids: Collection[str]) -> dict[str, Server]:
    """Return those of the servers that are there.

    :param context: targeted at their cell
    :raises oslo_db.exception.DBError: if a database fails
    """
    found: dict[str, Server] = {}
    todo = list(uuids)
    for attempt in range(_ATTEMPTS):
        read = _read(context, todo)
        now = database.instances(context, list(read))
        todo = []
        for uuid, instance in now.items():
            server = read[uuid]
            if server.instance != instance:
                todo.append(uuid)
                server = dataclasses.replace(server, moved=True)
            found[uuid] = server
        if not todo:
            break
    return found


def _read(context: Any, uuids: Collection[str]) -> dict[str, Server]:
    instances = database.instances(context, uuids)
    block_devices = objects.BlockDeviceMappingList.bdms_by_instance_uuid(
        context, list(instances))
    requests = request_spec.images(context, list(instances))
    histories = database.histories(context, list(instances))
    return {uuid: Server(
        instance, block_devices.get(uuid, objects.BlockDeviceMappingList()),
        requests.get(uuid), histories.get(uuid, database.History()))
        for uuid, instance in instances.items()}


def image_meta(metadata: remembered.Metadata) -> Any:
    """Return the nova.objects.ImageMeta that image metadata stand for."""
    return objects.ImageMeta.from_dict(
        utils.get_image_from_system_metadata(dict(metadata)))


def image(record: Mapping[str, Any]) -> known.Image:
    """Return an image.

    :param record: as nova.image.glance.API.get() returns it
    """
    base = record.get('properties', {}).get('base_image_ref')
    return known.Image(
        record['id'], str(base) if base else None, _properties(record),
        record)


def image_of_volume(volume: Mapping[str, Any]) -> known.Image:
    """Return the image that a volume was made from.

    :param volume: as Cinder's API shows it
    """
    record = get_image_metadata_from_volume(volume)
    found = volume.get('volume_image_metadata', {}).get('image_id')
    return known.Image(found or None, None, _properties(record), record)


def _properties(record: Mapping[str, Any]) -> dict[str, str]:
    return request_spec.properties(objects.ImageMeta.from_dict(dict(record)))


def recorded(
    context: Any, uuid: str, record: Mapping[str, Any]
) -> dict[str, str | None]:
    """Return the metadata that Nova would record of an image for a server.

    :param context: targeted at the cell of the server
    """
    try:
        flavor = objects.Instance.get_by_uuid(
            context, uuid, expected_attrs=['flavor']).get_flavor()
    except Exception:  # those of old instances may be gone altogether
        flavor = None
    # As they will be read from the database.
    return {key: value if value is None else str(value)
            for key, value in utils.get_system_metadata_from_image(
                dict(record), flavor).items()}


def columns(record: Mapping[str, Any]) -> remembered.Columns:
    """Return what a rebuild takes from an image into columns.

    As nova.compute.api.API does it in _inherit_properties_from_image() and
    _handle_kernel_and_ramdisk().
    """
    properties = record.get('properties', {})
    kernel, ramdisk = (
        properties.get(name) for name in ('kernel_id', 'ramdisk_id'))
    if kernel == 'nokernel':
        kernel = ramdisk = None
    return {
        **{name: properties.get(name)
           for name in ('architecture', 'os_type', 'vm_mode')},
        'auto_disk_config': strutils.bool_from_string(
            properties.get('auto_disk_config')),
        'kernel_id': kernel or '', 'ramdisk_id': ramdisk or ''}
