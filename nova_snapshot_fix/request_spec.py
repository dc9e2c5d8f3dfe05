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

from nova import objects
from nova import utils
from oslo_db import api as oslo_db_api
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

# What Nova does not record in system_metadata (nova.utils.SM_SKIP_KEYS).
_NOT_RECORDED = frozenset(('img_mappings', 'img_block_device_mapping'))

# How long a value of system_metadata is.
_VALUE_SIZE = 255


@_transaction.reader
def images(
    context: Any, instance_uuids: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Return the image in the RequestSpec of each instance.

    An instance without a RequestSpec, or whose RequestSpec has no image, is
    missing.

    :returns: by instance, what :func:`image_id` and :func:`image_meta` take
    :raises oslo_db.exception.DBError: if the database fails
    """
    spec = models.RequestSpec
    found = {}
    for uuid, text in context.session.query(
            spec.instance_uuid, spec.spec).filter(
                spec.instance_uuid.in_(instance_uuids)):
        try:
            # Versioned objects as oslo.versionedobjects writes them.
            image = json.loads(text)['nova_object.data']['image']
        except (KeyError, TypeError, ValueError):
            continue
        if isinstance(image, dict):
            found[uuid] = image
    return found


def image_id(image: dict[str, Any] | None) -> str | None:
    """Return the id of an image, None where it has none.

    That of a server that boots from a volume may have none.
    """
    found = (image or {}).get('nova_object.data', {}).get('id')
    return str(found) if found else None


def image_meta(image: dict[str, Any]) -> Any:
    """Return the nova.objects.ImageMeta of an image."""
    return objects.ImageMeta.obj_from_primitive(image)


def properties(image: Any) -> dict[str, str]:
    """Return those properties of a nova.objects.ImageMeta that it knows.

    The values are text as in system_metadata, so that what stems from there
    and what does not can be compared.
    """
    if 'properties' not in image:
        return {}
    known = image.properties
    return {name: _as_recorded(getattr(known, name))
            for name in known.fields
            if name in known and name not in _NOT_RECORDED}


def _as_recorded(value: Any) -> str:
    if isinstance(value, (list, set, tuple)):
        # Of required traits, each is a property, and so in no order.
        return str(sorted(_as_recorded(each) for each in value))
    return str(utils.safe_truncate(str(value), _VALUE_SIZE))


@oslo_db_api.wrap_db_retry(
    max_retries=5, retry_on_deadlock=True, inc_retry_interval=True)
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
    if image_id(images(context, [instance_uuid]).get(instance_uuid)) != before:
        return
    request_spec = objects.RequestSpec.get_by_instance_uuid(
        context, instance_uuid)
    request_spec.image = image
    request_spec.save()
    LOG.info('The RequestSpec of instance %s named image %s, and names image '
             '%s now.', instance_uuid, before,
             image.id if 'id' in image else None)
