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

"""A glance-api with the API extension, and what one asks it."""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import io
import signal
from typing import Any
import uuid

import portpicker
from pymemcache.client import base as pymemcache
import rbd
import requests
from testtools import content as details

from allinone.daemons import glance
from glance_progress.records import wire
from tests.functional import base
from tests.functional import glance_base
from tests.functional import services

MiB = base.MiB

OWNER = glance_base.HEADERS
ADMIN = glance_base.ADMIN_HEADERS

ROUTER = 'glance_progress.api:API.factory'

# The router has stores of the stock type metered; those of ours are without
# its help.
STORES = {
    **{name: {**store, 'type': 'rbd'}
       for name, store in glance_base.STORES.items()},
    'third': {'type': 'rbd_progress', 'pool': services.THIRD_POOL,
              **glance_base.CHUNK},
    'disk': {'type': 'file'},
    'web': {'type': 'http'},
}


def headers(project: str) -> dict[str, str]:
    """Return the headers of a member of a project."""
    return glance.identity_headers(project, 'member')


def a_project() -> dict[str, str]:
    """Return the headers of a member of a project that has no images."""
    return headers(uuid.uuid4().hex)


def make(name: str, **kwargs: Any) -> glance.GlanceBase:
    options = {
        'DEFAULT': {'enabled_import_methods':
                    '[glance-direct,web-download,copy-image]'},
        **kwargs.pop('options', {})}
    kwargs.setdefault('stores', STORES)
    return glance_base.make(name, router=ROUTER, options=options, **kwargs)


class ApiTestCase(glance_base.GlanceTestCase):

    #: What a download for an import has to come from.
    download_port = portpicker.pick_unused_port()

    @classmethod
    def filtering(cls) -> dict[str, dict[str, str]]:
        """Return the options that allow downloads from here."""
        return {'import_filtering_opts': {
            'allowed_hosts': '[127.0.0.1]',
            'allowed_ports': '[%d]' % cls.download_port}}

    def request(
        self, method: str, path: str, headers: dict[str, str] = OWNER,
        **kwargs: Any
    ) -> requests.Response:
        return requests.request(
            method, self.api.url + path, headers=headers, timeout=60,
            **kwargs)

    def get(self, path: str, headers: dict[str, str] = OWNER,
            **kwargs: Any) -> requests.Response:
        return self.request('GET', path, headers, **kwargs)

    def progress(
        self, image_id: str, headers: dict[str, str] = OWNER
    ) -> dict[str, Any]:
        """Return what the API says of an image."""
        answer = self.get('/v2/images/%s/progress' % image_id, headers)
        self.assertEqual(200, answer.status_code, answer.text)
        self.assertEqual('no-store', answer.headers['Cache-Control'])
        return answer.json()

    def wait_progress(
        self, image_id: str, timeout: float = 60, **fields: Any
    ) -> dict[str, Any]:
        """Wait until what the API says of an image has *fields*."""
        def matches() -> dict[str, Any] | None:
            answer = self.progress(image_id)
            self.addDetail('progress', details.text_content(str(answer)))
            return answer if fields.items() <= answer.items() else None
        return self.wait_for(matches, timeout)

    def wait_store(
        self, image_id: str, store: str = 'ceph', **fields: Any
    ) -> dict[str, Any]:
        """Wait until the API says of an image that *store* has *fields*."""
        def matches() -> dict[str, Any] | None:
            answer = self.progress(image_id)
            self.addDetail('progress', details.text_content(str(answer)))
            each = by_store(answer).get(store, {})
            return answer if fields.items() <= each.items() else None
        return self.wait_for(matches, 60)

    def in_transit(
        self, headers: dict[str, str] = OWNER, query: str = '?limit=1000'
    ) -> list[str]:
        answer = self.get('/v2/info/progress' + query, headers)
        self.assertEqual(200, answer.status_code, answer.text)
        self.assertEqual('no-store', answer.headers['Cache-Control'])
        return [image['image_id'] for image in answer.json()['images']]

    def put(self, content: bytes = b'abc', headers: dict[str, str] = OWNER,
            **more: str) -> str:
        """Upload an image and return its id."""
        image_id = self.create_as(headers)
        answer = self.request(
            'PUT', '/v2/images/%s/file' % image_id,
            {**headers, 'Content-Type': 'application/octet-stream', **more},
            data=content)
        self.assertEqual(204, answer.status_code, answer.text)
        return image_id

    def stage(self, headers: dict[str, str] = OWNER, content: bytes = b'abc',
              **properties: Any) -> str:
        """Stage an image, which it stays, and return its id."""
        image_id = self.create_as(headers, **properties)
        self.api.client(headers).images.stage(image_id, io.BytesIO(content))
        return image_id

    def create_as(self, headers: dict[str, str], **properties: Any) -> str:
        return self.api.client(headers).images.create(
            disk_format='raw', container_format='bare', **properties).id

    def memcached(self) -> pymemcache.Client:
        return pymemcache.Client(services.memcached().address)

    def forget(self, image_id: str) -> None:
        """Have memcached know nothing of an image."""
        for store in [*STORES, wire.STAGING_STORE, wire.BEGUN]:
            self.memcached().delete(wire.key(image_id, store), noreply=False)

    def slow_ceph(self) -> None:
        """Have librbd write 4 MiB a second to each image.

        After the first 4 MiB, which it lets pass. What is to be seen in the
        middle of an upload can be missed otherwise, on a fast machine.
        """
        limit = 'conf_rbd_qos_write_bps_limit'
        for pool in services.POOLS:
            ioctx = self.ioctx(pool)
            rbd.RBD().pool_metadata_set(ioctx, limit, str(4 * MiB))
            self.addCleanup(rbd.RBD().pool_metadata_remove, ioctx, limit)

    @contextlib.contextmanager
    def ceph_stopped(self) -> Iterator[None]:
        """Nothing is written in the meantime."""
        osd = services.ceph().osd
        osd.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            osd.send_signal(signal.SIGCONT)


def by_store(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each['store']: each for each in answer['stores']}


def states(answer: dict[str, Any]) -> dict[str, str]:
    return {each['store']: each['state'] for each in answer['stores']}
