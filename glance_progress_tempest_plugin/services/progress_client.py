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
"""The calls that glance-progress adds to the Image API, or mends."""

from __future__ import annotations

import json
from typing import Any
from urllib import parse

from tempest.lib.common import rest_client

from glance_progress_tempest_plugin import schemas


class ProgressClient(rest_client.RestClient):

    api_version = 'v2'

    def show_progress(self, image_id: str) -> rest_client.ResponseBody:
        """Show how far an image is."""
        return self._get('images/%s/progress' % image_id, schemas.SHOW)

    def list_progress(self, **params: Any) -> rest_client.ResponseBody:
        """List the images in transit that the caller may see.

        :param params: ``limit`` and ``marker``
        """
        url = 'info/progress'
        if params:
            url += '?' + parse.urlencode(params)
        return self._get(url, schemas.LIST)

    def list_stores_detail(self) -> rest_client.ResponseBody:
        """List the stores with their types and properties."""
        return self._get('info/stores/detail', schemas.STORES_DETAIL)

    def _get(
        self, url: str, schema: dict[str, Any]
    ) -> rest_client.ResponseBody:
        resp, body = self.get(url)
        body = json.loads(body)
        self.validate_response(schema, resp, body)
        return rest_client.ResponseBody(resp, body)
