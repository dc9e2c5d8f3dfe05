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

"""Uploads an image as Cinder or Nova does, with that service's own client.

    python -m tests.functional.upload_by_service cinder|nova JSON

Runs in an environment with those two, which is not the one of the tests. JSON
says to whom and as whom, see main().
"""

from __future__ import annotations

import json
import sys
from typing import Any

from keystoneauth1 import token_endpoint

CONTEXT = {'user_id': 'somebody', 'project_id': 'demo', 'roles': ['member'],
           'overwrite': False}


class Identity(token_endpoint.Token):
    """Says who somebody is, where a token would have Keystone say so."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        super().__init__(url, 'none')
        self._headers = headers

    def get_headers(self, *args: Any, **kwargs: Any) -> dict[str, str]:
        return self._headers


def cinder(url: str, auth: Identity, image_id: str, data: Any,
           arguments: dict[str, str]) -> None:
    """Do what cinder.volume.volume_utils.upload_volume() does at its end."""
    from cinder.common import config
    from cinder import context
    from cinder.image import image_utils  # imports what imports it
    config.CONF([], project='cinder', default_config_files=[])
    config.CONF.set_override('glance_api_servers', [url])
    image_utils.glance.get_default_image_service().update(
        context.RequestContext(user_auth_plugin=auth, **CONTEXT),
        image_id, {}, data, purge_props=False, **arguments)


def nova(url: str, auth: Identity, image_id: str, data: Any,
         arguments: dict[str, str]) -> None:
    """Do what nova.virt.libvirt's snapshot() does without direct clone."""
    import nova.conf
    from nova import context
    from nova.image import glance
    nova.conf.CONF([], project='nova', default_config_files=[])
    nova.conf.CONF.set_override('api_servers', [url], 'glance')
    glance.API().update(
        context.RequestContext(user_auth_plugin=auth, **CONTEXT),
        image_id, {'name': 'snapshot', 'properties': {}}, data)


def main() -> None:
    said = json.loads(sys.argv[2])
    with open(said['path'], 'rb') as data:
        {'cinder': cinder, 'nova': nova}[sys.argv[1]](
            said['url'], Identity(said['url'], said['headers']),
            said['image_id'], data, said['arguments'])


if __name__ == '__main__':
    main()
