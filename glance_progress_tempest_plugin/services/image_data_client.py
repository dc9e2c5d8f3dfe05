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
"""Image data of an announced size, to a store of the caller's choice.

Tempest's own client can neither.
"""

from __future__ import annotations

from collections.abc import Iterable

from tempest.lib.common import rest_client


class ImageDataClient(rest_client.RestClient):

    api_version = 'v2'

    def store_image_file(
        self, image_id: str, data: Iterable[bytes], size: int,
        store: str | None = None,
    ) -> rest_client.ResponseBody:
        """Upload image data.

        :param data: is taken from no faster than it can be sent
        :param size: what Content-Length announces, in bytes
        :param store: identifier of the store; None for Glance's default
        """
        headers = {'Content-Type': 'application/octet-stream',
                   'Content-Length': str(size)}
        if store is not None:
            headers['x-image-meta-store'] = store
        resp, body = self.put(
            'images/%s/file' % image_id, data, headers=headers)
        self.expected_success(204, resp.status)
        return rest_client.ResponseBody(resp, body)
