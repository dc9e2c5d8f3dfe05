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
"""Imports of image data, by way of the staging area."""

from __future__ import annotations

import io
import itertools
from typing import Any

from tempest import config
from tempest.lib import decorators

from glance_progress_tempest_plugin.common import slow_upload
from glance_progress_tempest_plugin.common import waiters
from glance_progress_tempest_plugin.tests import base

CONF = config.CONF

MiB = slow_upload.MiB

SIZE = 32  # MiB


class ImportProgressTest(base.BaseProgressTest):

    credentials = ['primary', 'admin']

    @classmethod
    def skip_checks(cls) -> None:
        super().skip_checks()
        if not CONF.image_feature_enabled.import_image:
            raise cls.skipException('Image import is not available')
        if not CONF.glance_progress.stores:
            raise cls.skipException(
                'Only glance-api with several stores tells of imports: '
                '[glance_progress] stores is empty')

    @classmethod
    def resource_setup(cls) -> None:
        super().resource_setup()
        cls.methods = cls.images_client.info_import()[
            'import-methods']['value']

    def require(self, method: str) -> None:
        if method not in self.methods:
            raise self.skipException(
                'Glance has no import method %s' % method)

    def assert_finished(self, answer: dict[str, Any], *names: str) -> None:
        """Assert that these stores have finished, and were seen to do so."""
        stores = base.by_store(answer)
        self.assertEqual({*names, base.STAGING}, stores.keys())
        for store in stores.values():
            self.assertEqual(
                ('finished', SIZE * MiB, SIZE * MiB, 100), tuple(
                    store[field] for field in (
                        'state', 'bytes_written', 'total_bytes', 'percent')))
            # What follows from Glance's database alone has no times.
            self.assertIsNotNone(store['started_at'], store)

    def assert_only_forward(self, seen: list[dict[str, Any]]) -> None:
        for _, answers in itertools.groupby(
                seen, key=lambda answer: answer['phase']):
            steps = [answer['percent'] for answer in answers
                     if answer['percent'] is not None]
            self.assertEqual(sorted(steps), steps)

    @decorators.idempotent_id('41d02b6c-5f3f-4f93-ac5a-8c124919fd18')
    def test_glance_direct(self) -> None:
        """Data are staged, and then go to all stores."""
        self.require('glance-direct')
        image_id = self.create_image()
        self.images_client.stage_image_file(
            image_id, io.BytesIO(slow_upload.DATA * SIZE))
        staged = self.wait_for_phase(image_id, 'staged')[-1]
        self.assertEqual(
            ('uploading', SIZE * MiB), (staged['status'], staged['size']))
        self.assert_finished(staged)
        self.assertIn(image_id, self.in_transit(self.progress_client))

        stores = CONF.glance_progress.stores
        self.images_client.image_import(
            image_id, method='glance-direct', stores=stores)
        seen = self.wait_for_phase(image_id, 'done')
        self.assertLessEqual({answer['phase'] for answer in seen},
                             {'staged', 'import', 'done'})
        self.assert_only_forward(seen)
        self.assert_finished(seen[-1], *stores)
        self.assertEqual(100, seen[-1]['percent'])
        self.assertNotIn(image_id, self.in_transit(self.progress_client))

    @decorators.idempotent_id('3907a5f2-aab5-476d-9a06-e921f4453a1f')
    def test_copy_image(self) -> None:
        """The image stays active while it is copied to a second store."""
        self.require('copy-image')
        if len(CONF.glance_progress.stores) < 2:
            raise self.skipException(
                'There is no second store to copy to: [glance_progress] '
                'stores names one only')
        first, second = CONF.glance_progress.stores[:2]
        image_id = self.create_image()
        with self.slow_upload(image_id, SIZE) as upload:
            upload.finish()
        # Glance's policy copy_image lets administrators copy only.
        self.os_admin.image_client_v2.image_import(
            image_id, method='copy-image', stores=[second])
        seen = waiters.wait_for_progress(
            self.progress_client, image_id,
            lambda answer: answer['phase'] == 'done'
            and second in base.by_store(answer),
            'be copied to the store ' + second)
        self.assertEqual({'active'}, {answer['status'] for answer in seen})
        # Before the task begins, the image is as it was.
        self.assertLessEqual({answer['phase'] for answer in seen},
                             {'done', 'staging', 'copy'})
        self.assert_finished(seen[-1], first, second)
