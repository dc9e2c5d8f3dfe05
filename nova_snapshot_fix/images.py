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


"""Looks at images in Glance where no user has asked: for the command.

Nova's own image API takes the token of the user's request, and there is none.
"""

from __future__ import annotations

import collections
from typing import Any

from keystoneauth1 import loading
from nova import conf as nova_conf
from nova.image import glance

from glanceclient import client as glanceclient
from nova_snapshot_fix import plan
from nova_snapshot_fix import repair

CONF = nova_conf.CONF

#: Sections of nova.conf that may hold credentials, the first of them counts.
_SECTIONS = ('service_user', 'keystone_authtoken')

# Of a cell with more images in use, some are asked for again.
_CACHED = 4096


class NoCredentials(Exception):
    """No section of nova.conf says as whom to ask Glance."""


class _Client:
    """Stands in for nova.image.glance.GlanceClientWrapper."""

    def __init__(self) -> None:
        auth = None
        for section in _SECTIONS:
            loading.register_auth_conf_options(CONF, section)
            auth = auth or loading.load_auth_from_conf_options(CONF, section)
        if auth is None:
            raise NoCredentials(
                'no credentials for Glance: neither of the sections %s has '
                'an auth_type' % ', '.join(_SECTIONS))
        session = loading.load_session_from_conf_options(
            CONF, 'glance', auth=auth)
        where = CONF.glance
        servers = where.api_servers or ()
        self._client = glanceclient.Client(
            '2', session=session, region_name=where.region_name,
            interface=where.valid_interfaces,
            service_type=where.service_type,
            endpoint_override=where.endpoint_override or next(
                iter(servers), None))

    def call(
        self, context: Any, version: int, method: str,
        controller: str | None = None, args: Any = (), kwargs: Any = None,
    ) -> Any:
        called = getattr(self._client, controller or 'images')
        return getattr(called, method)(*args, **(kwargs or {}))


class _Api:

    def __init__(self) -> None:
        self._service = glance.GlanceImageServiceV2(client=_Client())

    def get(self, context: Any, image_ref: str) -> Any:
        return self._service.show(context, image_ref)


class Cache:
    """Asks Glance for each image once.

    :param context: an admin's
    :param image_api: has get(context, image_ref); that of nova.conf when None
    """

    def __init__(self, context: Any, image_api: Any = None) -> None:
        self._context = context
        self._api = image_api
        self._images: collections.OrderedDict[str, plan.Image] = (
            collections.OrderedDict())

    def look_up(self, image_ref: str) -> plan.Image:
        """Return the image, or why it is not known.

        :raises NoCredentials: at the first look
        """
        if image_ref in self._images:
            self._images.move_to_end(image_ref)
            return self._images[image_ref]
        if self._api is None:
            # Not before it is needed: a cloud on the rule needs no look.
            self._api = _Api()
        image = repair.look_up(self._context, self._api, image_ref)
        self._images[image_ref] = image
        if len(self._images) > _CACHED:
            self._images.popitem(last=False)
        return image
