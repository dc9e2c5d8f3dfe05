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


"""The image that the RequestSpec of an instance names, in the API database.

The scheduler looks for a host for that image.
"""

from __future__ import annotations

from collections.abc import Collection
import json
from typing import Any

from nova import exception
from nova import objects
from nova import utils
from oslo_log import log as logging

try:
    from nova.db.api import api as db
    from nova.db.api import models
    _transaction = db.context_manager
except ImportError:  # Wallaby (23) and older
    from nova.db.sqlalchemy import api as db
    from nova.db.sqlalchemy import api_models as models
    _transaction = db.api_context_manager

LOG = logging.getLogger(__name__)

# What the libvirt driver records in system_metadata, whenever it starts, where
# the image does not say (nova/virt/libvirt/driver.py).
_REGISTERED = frozenset((
    'hw_cdrom_bus', 'hw_disk_bus', 'hw_input_bus', 'hw_machine_type',
    'hw_pointer_model', 'hw_video_model', 'hw_vif_model'))

# What Nova does not record in system_metadata (nova.utils.SM_SKIP_KEYS).
_NOT_RECORDED = frozenset(('img_mappings', 'img_block_device_mapping'))

# How long a value of system_metadata is.
_VALUE_SIZE = 255


def get(context: Any, instance_uuid: str) -> Any:
    """Return the RequestSpec of an instance, None if it has none."""
    try:
        return objects.RequestSpec.get_by_instance_uuid(
            context, instance_uuid)
    except exception.RequestSpecNotFound:
        return None


def image_id(request_spec: Any) -> str | None:
    """Return the id of the image in a RequestSpec, None if it has none."""
    if request_spec is None or 'image' not in request_spec:
        return None
    image = request_spec.image
    if image is None or 'id' not in image:
        return None
    return str(image.id)


def is_of_metadata(request_spec: Any, instance: Any) -> bool:
    """Return whether the image of a RequestSpec may be that of the metadata.

    Of the properties a RequestSpec has those that Nova knows.
    """
    requested = _properties(request_spec.image)
    recorded = _properties(instance.image_meta)
    return requested == {
        name: value for name, value in recorded.items()
        if name in requested or name not in _REGISTERED}


def _properties(image: Any) -> dict[str, str]:
    if 'properties' not in image:
        return {}
    properties = image.properties
    return {name: _as_recorded(getattr(properties, name))
            for name in properties.fields
            if name in properties and name not in _NOT_RECORDED}


def _as_recorded(value: Any) -> str:
    if isinstance(value, (list, set, tuple)):
        # Of required traits, each is a property, and so in no order.
        return str(sorted(_as_recorded(each) for each in value))
    return str(utils.safe_truncate(str(value), _VALUE_SIZE))


@_transaction.reader
def image_ids(
    context: Any, instance_uuids: Collection[str]
) -> dict[str, str | None]:
    """Return the id of the image in the RequestSpec of each instance.

    An instance without a RequestSpec, or with one that names no image, may be
    missing.
    """
    spec = models.RequestSpec
    found: dict[str, str | None] = {}
    for uuid, text in context.session.query(
            spec.instance_uuid, spec.spec).filter(
                spec.instance_uuid.in_(instance_uuids)):
        try:
            # Versioned objects as oslo.versionedobjects writes them.
            image = json.loads(text)['nova_object.data']['image']
            found[uuid] = image['nova_object.data']['id']
        except (KeyError, TypeError, ValueError):
            continue
    return found


@_transaction.writer
def change_image(
    context: Any, instance_uuid: str, before: str | None, image: Any
) -> None:
    """Put *image* into the RequestSpec, if it still names *before*.

    :param image: a nova.objects.ImageMeta
    :raises oslo_db.exception.DBError: if the database fails
    """
    # Nova saves all of it at once. Under this lock, what is saved here is
    # what has just been read, but for the image.
    context.session.query(models.RequestSpec.id).filter_by(
        instance_uuid=instance_uuid).with_for_update().all()
    request_spec = get(context, instance_uuid)
    if before is not None and image_id(request_spec) == before:
        request_spec.image = image
        request_spec.save()
        LOG.info('The RequestSpec of instance %s named image %s, and names '
                 'image %s now.', instance_uuid, before, image.id)
