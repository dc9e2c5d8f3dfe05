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
"""Uploads of image data to a store."""

from __future__ import annotations

from tempest.lib import decorators
from tempest.lib import exceptions

from glance_progress_tempest_plugin.common import slow_upload
from glance_progress_tempest_plugin.tests import base

MiB = slow_upload.MiB

#: MiB; several chunks of the store (rbd_store_chunk_size), which are 8 MiB as
#: a rule
SIZE = 64


class UploadProgressTest(base.BaseProgressTest):

    credentials = ['primary', 'alt', 'admin']

    @classmethod
    def setup_clients(cls) -> None:
        super().setup_clients()
        cls.alt_client = cls.os_alt.glance_progress.ProgressClient()
        cls.admin_client = cls.os_admin.glance_progress.ProgressClient()

    @decorators.idempotent_id('4777b5eb-bc8d-4867-8b8c-a5ce4a40eb30')
    def test_slow_upload(self) -> None:
        """The owner sees the bytes that the store has taken."""
        image_id = self.create_image()
        self.assertEqual(
            ('queued', 'queued', []), tuple(
                self.progress_client.show_progress(image_id)[field]
                for field in ('status', 'phase', 'stores')))
        seen, written = [], 0
        with self.slow_upload(image_id, SIZE) as upload:
            for sent in (SIZE // 2, SIZE * 3 // 4):
                upload.send(SIZE // 2 if not written else SIZE // 4)
                seen += self.wait_for_bytes(image_id, written)
                store, = seen[-1]['stores']
                written = store['bytes_written']
                # No more than the store can have.
                self.assertLessEqual(written, sent * MiB)
                self.assertEqual(
                    ('saving', 'upload', 'memcached'), tuple(
                        seen[-1][field]
                        for field in ('status', 'phase', 'source')))
                self.assertEqual(
                    ('uploading', SIZE * MiB, None), tuple(
                        store[field]
                        for field in ('state', 'total_bytes', 'failure')))
                # One decimal, rounded down
                self.assertEqual(
                    written * 1000 // (SIZE * MiB) / 10, seen[-1]['percent'])
            upload.finish()
        seen += self.wait_for_phase(image_id, 'done')
        self.assertEqual(
            ('active', SIZE * MiB, 100), tuple(
                seen[-1][field] for field in ('status', 'size', 'percent')))
        store, = seen[-1]['stores']
        self.assertEqual(
            ('finished', SIZE * MiB, 100), tuple(
                store[field]
                for field in ('state', 'bytes_written', 'percent')))
        steps = [store['bytes_written']
                 for answer in seen for store in answer['stores']]
        self.assertEqual(sorted(steps), steps)
        self.assertNotIn(image_id, self.in_transit(self.progress_client))

    @decorators.attr(type='negative')
    @decorators.idempotent_id('55677a93-2d02-430c-82c1-4b5e95e1617b')
    def test_of_another_project(self) -> None:
        """Others are told nothing, as if there were no such image."""
        image_id = self.create_image()
        with self.slow_upload(image_id, SIZE) as upload:
            upload.send(SIZE // 2)
            self.wait_for_bytes(image_id)
            listed = self.in_transit(self.progress_client)
            self.assertIn(image_id, listed)
            self.assertEqual('upload', listed[image_id]['phase'])
            self.assertRaises(
                exceptions.NotFound, self.alt_client.show_progress, image_id)
            self.assertNotIn(image_id, self.in_transit(self.alt_client))
            upload.finish()
        self.assertRaises(
            exceptions.NotFound, self.alt_client.show_progress, image_id)

    @decorators.idempotent_id('32565227-f170-450e-b76f-708963aa0e56')
    def test_host_is_for_administrators(self) -> None:
        image_id = self.create_image()
        with self.slow_upload(image_id, SIZE) as upload:
            upload.send(SIZE // 2)
            answer = self.wait_for_bytes(image_id)[-1]
            store, = answer['stores']
            self.assertNotIn('host', store)
            store, = self.in_transit(self.admin_client)[image_id]['stores']
            self.assertTrue(store['host'])
            upload.finish()

    @decorators.attr(type='negative')
    @decorators.idempotent_id('9146d821-982b-466c-bbb2-89588d238756')
    def test_broken_upload(self) -> None:
        """The reason can be read when the sender has gone."""
        image_id = self.create_image()
        with self.slow_upload(image_id, SIZE) as upload:
            upload.send(SIZE // 2)
            store, = self.wait_for_bytes(image_id)[-1]['stores']
            written = store['bytes_written']
        answer = self.wait_for_phase(image_id, 'failed')[-1]
        self.assertEqual('queued', answer['status'])
        self.assertLess(answer['percent'], 100)
        store, = answer['stores']
        self.assertEqual('failed', store['state'])
        self.assertGreaterEqual(store['bytes_written'], written)
        # Not the store's fault
        self.assertIn('sender', store['failure'])
        self.assertNotIn(image_id, self.in_transit(self.progress_client))
        # The next attempt makes up for it.
        with self.slow_upload(image_id, 1) as upload:
            upload.finish()
        answer = self.wait_for_phase(image_id, 'done')[-1]
        store, = answer['stores']
        self.assertEqual(('finished', None),
                         (store['state'], store['failure']))
