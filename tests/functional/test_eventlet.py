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

"""Releases between the oldest and the newest, by their own glance-api script.

It replaces the process's threads by eventlet's, where a call into librbd lets
no other request go on. Zed's is tested beside the newest release.
"""

from __future__ import annotations

import signal

from allinone.daemons import glance
from glance_progress.records import wire
from tests.functional import api_base
from tests.functional import base
from tests.functional import services
from tests.functional import test_glance

MiB = base.MiB


class EventletTests(test_glance.UploadTests):
    """Uploads, and what else goes other ways under eventlet."""

    RELEASE: str

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-' + cls.RELEASE.replace('.', '-'),
            kind=glance.EventletGlanceApi, workers=1,
            venv=services.released_venv(cls.RELEASE))

    def test_import(self) -> None:
        content = base.data(4 * MiB)
        image_id = self.create()
        upload = self.upload(image_id, len(content), 'stage')
        upload.send(content[:2 * MiB])
        # Answered while the upload waits for its client.
        self.assertEqual('staging', self.wait_store(
            image_id, wire.STAGING_STORE, bytes_written=2 * MiB)['phase'])
        self.assertIn(image_id, self.in_transit())
        upload.send(content[2 * MiB:])
        self.assertEqual(204, upload.end())
        self.wait_progress(image_id, phase='staged')
        self.client.images.image_import(
            image_id, 'glance-direct', stores=['ceph', 'second'])
        done = self.wait_progress(image_id, phase='done')
        self.assertEqual(
            {'ceph': 'finished', 'second': 'finished',
             wire.STAGING_STORE: 'finished'}, api_base.states(done))
        self.assertEqual(content, self.rbd_content(image_id))

    def test_progress_of_an_upload(self) -> None:
        image_id = self.create()
        upload = self.upload(image_id, 4 * MiB)
        upload.send(bytes(2 * MiB))
        answer = self.wait_store(image_id, bytes_written=2 * MiB)
        self.assertEqual(('saving', 'upload', 50, 'memcached'), tuple(
            answer[name] for name in (
                'status', 'phase', 'percent', 'source')))
        self.assertIn(image_id, self.in_transit())
        upload.abandon()
        failed = self.wait_progress(image_id, phase='failed')
        self.assertIn('sender', api_base.by_store(failed)['ceph']['failure'])

    def test_memcached_stands_still(self) -> None:
        content = base.data(4 * MiB)
        image_id = self.create()
        upload = self.upload(image_id, len(content))
        upload.send(content[:2 * MiB])
        self.wait_store(image_id, bytes_written=2 * MiB)
        services.memcached().send_signal(signal.SIGSTOP)
        try:
            upload.send(content[2 * MiB:])
            self.assertEqual(204, upload.end())
            self.assertEqual(content, self.rbd_content(image_id))
            answer = self.progress(image_id)
            self.assertEqual(('database', 'done'), tuple(
                answer[name] for name in ('source', 'phase')))
        finally:
            services.memcached().send_signal(signal.SIGCONT)
        # It is found again, which the other tests rely on.
        self.wait_for(
            lambda: self.progress(self.put())['source'] == 'memcached')


class Glance2024Test(EventletTests, api_base.ApiTestCase):
    """2024.1 (28)."""

    RELEASE = '2024.1'


class Glance2025Test(EventletTests, api_base.ApiTestCase):
    """2025.2 (31), the last but one that has a script."""

    RELEASE = '2025.2'
