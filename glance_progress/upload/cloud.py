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

"""What is asked of the Image API to have images made."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import html
import re
from typing import Any
from urllib import parse

from keystoneauth1 import exceptions

from glance_progress import client
from glance_progress.upload import reading

Image = dict[str, Any]

_PATCH = {'Content-Type': 'application/openstack-images-v2.1-json-patch'}
_OCTETS = {'Content-Type': 'application/octet-stream'}


class Images:
    """The images of a cloud."""

    def __init__(self, api: client.Api) -> None:
        self._api = api

    def named(self, name: str, owner: str | None) -> list[Image]:
        """Return the images of that name, of a project if one is given."""
        value = 'in:"%s"' % name if name.startswith('in:') else name
        query = {'name': value, 'limit': '1000'}
        if owner is not None:
            query['owner'] = owner
        # Databases may compare without regard to case.
        return [each for each in self._pages(query) if each['name'] == name
                and owner in (None, each['owner'])]

    def _pages(self, query: Mapping[str, str]) -> Iterator[Image]:
        path = '/v2/images?' + parse.urlencode(query)
        while True:
            page = self._api.get(path)
            yield from page['images']
            if 'next' not in page:
                return
            path = '/v2/images?' + parse.urlsplit(page['next']).query

    def get(self, image_id: str) -> Image:
        """Return an image.

        :raises exceptions.NotFound: when there is none
        """
        return dict(self._api.get('/v2/images/' + image_id))

    def progress(self, image_id: str) -> client.Snapshot:
        """Return the progress of an image, and raise as client.show() does."""
        return self._api.show(image_id)

    def create(self, values: Mapping[str, Any]) -> Image:
        """Make an image without data and return it."""
        return dict(self._api.request(
            'POST', '/v2/images', json=values, timeout=client.PATIENCE,
        ).json())

    def put(
        self, image_id: str, body: reading.Reading, stores: Sequence[str]
    ) -> None:
        """Send the data, to one store or the default one."""
        self._send(image_id, 'file', body, {
            'x-image-meta-store': stores[0]} if stores else {})

    def stage(self, image_id: str, body: reading.Reading) -> None:
        """Send the data to where an import takes them from."""
        self._send(image_id, 'stage', body, {})

    def _send(
        self, image_id: str, place: str, body: reading.Reading,
        headers: Mapping[str, str],
    ) -> None:
        # Without a timeout: a store may take its time for what it has got.
        self._api.request(
            'PUT', '/v2/images/%s/%s' % (image_id, place), data=body,
            headers={**_OCTETS, 'x-openstack-image-size': str(len(body)),
                     **headers})

    def import_data(
        self, image_id: str, method: Mapping[str, str],
        stores: Sequence[str], all_stores: bool,
    ) -> None:
        """Have the cloud import what is staged, or fetch it itself."""
        values: dict[str, Any] = {'method': dict(method)}
        if all_stores:
            values.update(all_stores=True, all_stores_must_succeed=True)
        elif stores:
            values.update(stores=list(stores), all_stores_must_succeed=True)
        self._api.request(
            'POST', '/v2/images/%s/import' % image_id, json=values,
            timeout=client.PATIENCE)

    def import_methods(self) -> list[str]:
        """Return the names of the methods that an import may have."""
        return list(self._api.get('/v2/info/import')[
            'import-methods']['value'])

    def change(
        self, image_id: str, changes: Sequence[Mapping[str, Any]]
    ) -> None:
        """Change an image as JSON patches say."""
        self._api.request(
            'PATCH', '/v2/images/' + image_id, json=list(changes),
            headers=_PATCH, timeout=client.PATIENCE)

    def delete(self, image_id: str) -> None:
        """Delete an image, or find that there is none."""
        try:
            self._api.request('DELETE', '/v2/images/' + image_id,
                              timeout=client.PATIENCE)
        except exceptions.NotFound:
            pass

    def store_details(self) -> list[dict[str, Any]] | None:
        """Return what there is to know of the stores; None for who may not.

        That is for administrators.
        """
        try:
            return list(self._api.get('/v2/info/stores/detail')['stores'])
        except exceptions.HttpError:
            return None


def words(exc: Exception) -> str:
    """Return what an error says, in a line."""
    details = getattr(exc, 'details', None)
    text = str(exc)
    if isinstance(details, str) and '<' in details:
        # Glance answers in HTML; the heading is the status once more.
        body = re.sub('(?is)<(head|h1).*?</\\1>|<[^>]*>', ' ', details)
        text = html.unescape(body).strip() or text
    return ' '.join(text.split())
