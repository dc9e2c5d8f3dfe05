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


"""Asks Glance and Cinder where no user has asked: for the command."""

from __future__ import annotations

from collections.abc import Callable
import functools
from typing import Any
from typing import Union

from keystoneauth1 import loading
from nova import conf as nova_conf
from openstack.config import cloud_region
from openstack.config import defaults
from openstack import connection
from openstack import exceptions
from oslo_log import log as logging

from nova_snapshot_fix import facts
from nova_snapshot_fix import known

CONF = nova_conf.CONF
LOG = logging.getLogger(__name__)

#: Sections of nova.conf that may hold credentials, the first of them counts.
_SECTIONS = ('service_user', 'keystone_authtoken')

# Of a cell with more images in use, some are asked for again.
_CACHED = 4096

# What Glance says of each image and is no property (GET /v2/schemas/image),
# and of that what Nova records of an image.
_ATTRIBUTES = frozenset((
    'checksum', 'container_format', 'created_at', 'direct_url', 'disk_format',
    'file', 'id', 'locations', 'min_disk', 'min_ram', 'name', 'os_hash_algo',
    'os_hash_value', 'os_hidden', 'owner', 'protected', 'schema', 'self',
    'size', 'status', 'stores', 'tags', 'updated_at', 'validation_data',
    'virtual_size', 'visibility'))
_RECORDED = ('container_format', 'disk_format', 'id', 'min_disk', 'min_ram')

Known = Union[known.Image, known.Unknown]


class NoCredentials(Exception):
    """No section of nova.conf says as whom to ask."""


def connect() -> connection.Connection:
    """Return a connection as nova.conf has it for Glance and Cinder.

    :raises NoCredentials: if it has none
    """
    auth = None
    for section in _SECTIONS:
        loading.register_auth_conf_options(CONF, section)
        auth = auth or loading.load_auth_from_conf_options(CONF, section)
    if auth is None:
        raise NoCredentials(
            'no credentials for Glance: neither of the sections %s has an '
            'auth_type' % ', '.join(_SECTIONS))
    glance = CONF.glance
    override = glance.endpoint_override or next(
        iter(glance.api_servers or ()), None)
    # TYPE:NAME:INTERFACE, or a URL with %(project_id)s in it, which Cinder
    # has not needed since Yoga
    volumes = CONF.cinder.catalog_info.split(':')
    template = (CONF.cinder.endpoint_template or '').partition('/%(')[0]
    config = {
        'image_api_version': '2',
        'image_interface': (glance.valid_interfaces or [None])[0],
        'image_region_name': glance.region_name,
        'image_endpoint_override': override,
        'block_storage_api_version': '3',
        'block_storage_interface': volumes[-1].replace('URL', ''),
        'block_storage_region_name': CONF.cinder.os_region_name,
        'block_storage_endpoint_override': template,
    }
    session = loading.load_session_from_conf_options(
        CONF, 'glance', auth=auth)
    return connection.Connection(config=cloud_region.CloudRegion(
        session=session, region_name=glance.region_name,
        config={**defaults.get_defaults(), **{
            key: value for key, value in config.items() if value}}))


class Ask:
    """Asks for each image once, and once who may see what.

    :param made: returns a connection; called at the first question, since a
        consistent cloud needs none
    """

    def __init__(
        self, made: Callable[[], connection.Connection] = connect
    ) -> None:
        self._cloud = functools.cache(made)
        self._sees_all = functools.cache(self._look_around)
        self.image = functools.lru_cache(maxsize=_CACHED)(self._image)

    def _image(self, image_id: str) -> Known:
        """Return an image, or why it is not known.

        :raises NoCredentials: at the first question
        """
        cloud = self._cloud()
        try:
            found = _get(cloud.image, '/images/%s' % image_id)
            return facts.image({
                **{key: found.get(key) for key in _RECORDED},
                'properties': {key: value for key, value in found.items()
                               if key not in _ATTRIBUTES}})
        except exceptions.NotFoundException:
            return (known.Unknown.GONE if self._sees_all()
                    else known.Unknown.NOT_SEEN)
        except Exception as exc:
            LOG.warning('Glance did not show image %s: %s', image_id, exc)
            return known.Unknown.NO_ANSWER

    def volume(self, volume_id: str) -> Known:
        """Return the image that a volume was made from.

        :raises NoCredentials: at the first question
        """
        cloud = self._cloud()
        try:
            return facts.image_of_volume(
                _get(cloud.block_storage, '/volumes/%s' % volume_id)['volume'])
        except exceptions.NotFoundException:
            return known.Unknown.NOT_SEEN
        except Exception as exc:
            LOG.warning('Cinder did not show volume %s: %s', volume_id, exc)
            return known.Unknown.NO_ANSWER

    def _look_around(self) -> bool:
        """Return whether private images of other projects are shown.

        Only of somebody who sees these is 404 the word that an image is gone.
        """
        cloud = self._cloud()
        own = cloud.session.get_project_id()
        try:
            if any(image.owner_id != own for image in cloud.image.images(
                    visibility='private')):
                return True
        except Exception as exc:
            LOG.warning('Glance did not list images: %s', exc)
            return False
        LOG.warning(
            'No private image of another project is shown, so that an image '
            'that Glance does not find may be there all the same: the user of '
            'nova.conf needs the role that sees all images (admin).')
        return False


def _get(service: Any, path: str) -> dict[str, Any]:
    response = service.get(path)
    exceptions.raise_from_response(response)
    found: dict[str, Any] = response.json()
    return found
