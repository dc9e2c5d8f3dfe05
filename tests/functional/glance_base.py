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

"""A glance-api for a test class, and what one does with it."""

from __future__ import annotations

import functools
import json
import pathlib
import subprocess
import sys
from typing import Any

from testtools import content

from allinone.daemons import glance
from allinone.daemons import glance_database
from glance_progress.records import wire
from tests.functional import base
from tests.functional import http_upload
from tests.functional import services

HEADERS = glance.identity_headers('demo', 'member')
ADMIN_HEADERS = glance.identity_headers('demo', 'admin')

#: One MiB a chunk, so that small images have progress.
CHUNK = {'rbd_store_chunk_size': 1}

STORES = {
    'ceph': {'type': 'rbd_progress', 'pool': services.POOL, **CHUNK},
    'second': {'type': 'rbd_progress', 'pool': services.SECOND_POOL, **CHUNK},
}


def make(
    name: str, kind: type[glance.GlanceBase] = glance.GlanceApi,
    venv: pathlib.Path | None = None, stores: dict[str, Any] = STORES,
    section: dict[str, Any] | None = None, **kwargs: Any,
) -> glance.GlanceBase:
    """Return a glance-api, not yet started, in a directory of its own."""
    options = dict(kwargs.pop('options', {}))
    options['glance_progress'] = {
        'memcached_servers': services.memcached().address,
        'update_interval': 0.1, **(section or {})}
    return kind(
        services.directory() / name, venv or pathlib.Path(sys.prefix),
        stores=stores, ceph_client_conf=services.ceph().client_conf,
        database=glance_database.InMariaDb(
            services.mariadb(), name.replace('-', '_')),
        options=options, **kwargs)


class GlanceTestCase(base.TestCase):
    """Has a glance-api, which all tests of a class share."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return make('glance-' + cls.__name__)

    @classmethod
    @functools.cache
    def _started(cls) -> glance.GlanceBase:
        return cls.make_api().__enter__()

    @classmethod
    def tearDownClass(cls) -> None:
        cls._started().stop()
        super().tearDownClass()

    def setUp(self) -> None:
        super().setUp()
        self.api = self._started()
        self.client = self.api.client(HEADERS)
        self.addOnException(self._add_log)
        self.addCleanup(self.wait_for, self._has_no_task)

    def _add_log(self, _exc_info: Any) -> None:
        self.addDetail('glance-api', content.text_content(
            self.api.log_tail(50)))

    def create(self, **properties: Any) -> str:
        return self.client.images.create(
            disk_format='raw', container_format='bare', **properties).id

    def upload(
        self, image_id: str, size: int | None, target: str = 'file',
        **headers: str
    ) -> http_upload.Upload:
        upload = http_upload.Upload(
            self.api.port, image_id, {**HEADERS, **headers}, size, target)
        self.addCleanup(upload.abandon)
        return upload

    def _has_no_task(self) -> bool:
        """Tell whether Glance does nothing in the background."""
        admin = self.api.client(ADMIN_HEADERS)
        return not self.api.running or not any(
            task.status in ('pending', 'processing')
            for task in admin.tasks.list())

    def show(
        self, image_id: str, *args: str, api: glance.GlanceBase | None = None
    ) -> tuple[int, list[dict[str, Any]]]:
        """Ask the command, which is another process, for the progress."""
        done = subprocess.run(
            [str(pathlib.Path(sys.executable).with_name('glance-progress')),
             '--config-file', str((api or self.api).conf), 'show', '--json',
             *args, image_id],
            capture_output=True, text=True)
        return done.returncode, [
            json.loads(line) for line in done.stdout.splitlines()]

    def shown(self, image_id: str) -> dict[str, Any]:
        """Return the only record of an image."""
        _, records = self.show(image_id)
        record, = records
        return record

    def wait_shown(self, image_id: str, **fields: Any) -> dict[str, Any]:
        """Wait until the record of an image has *fields*."""
        def matches() -> dict[str, Any] | None:
            for record in self.show(image_id)[1]:
                if fields.items() <= record.items():
                    return record
            return None
        return self.wait_for(matches)

    def legacy(self, image_id: str) -> tuple[int, int]:
        """Return what a dashboard reads: total and uploaded."""
        from pymemcache.client import hash as hash_client
        client = hash_client.HashClient([services.memcached().address])
        return (int(client.get(image_id + '_total_size')),
                int(client.get(image_id + '_uploading_size')))


FINISHED = wire.FINISHED
FAILED = wire.FAILED
UPLOADING = wire.UPLOADING
