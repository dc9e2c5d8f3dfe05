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

"""Puts the routes of this package before those of Glance's v2 router.

The router also has Glance's stores metered: it is the one thing of ours that
every glance-api has loaded, before data can come.
"""

from __future__ import annotations

from typing import Any

from glance.api.v2 import discovery
from glance.api.v2 import image_data
from glance.api.v2 import images
from glance.api.v2 import router
from glance.common import wsgi
from oslo_config import cfg

from glance_progress.api import progress
from glance_progress.api import stores
from glance_progress.api import uploads
from glance_progress.driver import register
from glance_progress.locations import guard
from glance_progress import opts


class _Unread(wsgi.JSONRequestDeserializer):
    """Reads nothing of a request whose method is refused.

    Its body may be none, or never come, which would be an error of ours.
    """

    def default(self, request: Any) -> dict[str, Any]:
        return {}


class API(router.API):
    """Connects the routes of this package first, so that they win.

    The other methods of these paths stay with Glance's routes.
    """

    def __init__(self, mapper: Any) -> None:
        opts.check(cfg.CONF)
        guard.check(cfg.CONF)
        self._connect_progress(mapper)
        self._connect_store_details(mapper)
        self._connect_uploads(mapper)
        self._connect_imports(mapper)
        super().__init__(mapper)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        register.install(cfg.CONF)
        return super().__call__(environ, start_response)

    def _connect_progress(self, mapper: Any) -> None:
        resource = wsgi.Resource(
            progress.Controller(), progress.Deserializer(),
            progress.Serializer())
        reject = wsgi.Resource(wsgi.RejectMethodController(), _Unread())
        for path, action in (('/images/{image_id}/progress', 'show_progress'),
                             ('/info/progress', 'list_progress')):
            mapper.connect(
                path, controller=resource, action=action,
                conditions={'method': ['GET']}, body_reject=True)
            mapper.connect(
                path, controller=reject, action='reject',
                allowed_methods='GET')

    def _connect_store_details(self, mapper: Any) -> None:
        mapper.connect(
            '/info/stores/detail',
            controller=wsgi.Resource(
                stores.InfoController(), None,
                discovery.ResponseSerializer()),
            action='get_stores_detail', conditions={'method': ['GET']},
            body_reject=True)

    def _connect_uploads(self, mapper: Any) -> None:
        data = image_data.create_resource()
        data.controller = uploads.ImageDataController()
        for path, action in (('file', 'upload'), ('stage', 'stage')):
            mapper.connect(
                '/images/{image_id}/' + path, controller=data, action=action,
                conditions={'method': ['PUT']})

    def _connect_imports(self, mapper: Any) -> None:
        imports = images.create_resource(images.load_custom_properties())
        imports.controller = uploads.ImportController()
        mapper.connect(
            '/images/{image_id}/import', controller=imports,
            action='import_image', conditions={'method': ['POST']})
        if hasattr(images.ImagesController, 'add_location'):  # since 29
            mapper.connect(
                '/images/{image_id}/locations', controller=imports,
                action='add_location', conditions={'method': ['POST']})
