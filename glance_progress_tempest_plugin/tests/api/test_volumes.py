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

"""Images that Cinder makes of volumes."""

from __future__ import annotations

from typing import Any

from tempest.common import waiters as tempest_waiters
from tempest import config
from tempest.lib.common.utils import data_utils
from tempest.lib.common.utils import test_utils
from tempest.lib import decorators

from glance_progress_tempest_plugin.tests import base

CONF = config.CONF


class VolumeProgressTest(base.BaseProgressTest):

    @classmethod
    def skip_checks(cls) -> None:
        super().skip_checks()
        if not CONF.service_available.cinder:
            raise cls.skipException('Cinder is not available')
        if not CONF.glance_progress.volume_upload:
            raise cls.skipException(
                'Cinder does not upload volumes: [glance_progress] '
                'volume_upload is False')

    @classmethod
    def setup_clients(cls) -> None:
        super().setup_clients()
        cls.volumes_client = cls.os_primary.volumes_client_latest

    def create_volume(self, image_id: str) -> str:
        """Make a volume of an image and return its id."""
        volume_id = self.volumes_client.create_volume(
            size=CONF.volume.volume_size, imageRef=image_id,
            name=data_utils.rand_name(
                prefix=CONF.resource_name_prefix,
                name=type(self).__name__ + '-volume'))['volume']['id']
        self.addCleanup(
            self.volumes_client.wait_for_resource_deletion, volume_id)
        self.addCleanup(
            test_utils.call_and_ignore_notfound_exc,
            self.volumes_client.delete_volume, volume_id)
        tempest_waiters.wait_for_volume_resource_status(
            self.volumes_client, volume_id, 'available')
        return volume_id

    def upload_volume(self, volume_id: str) -> str:
        """Have Cinder make an image of a volume and return its id."""
        image_id = self.volumes_client.upload_volume(
            volume_id, image_name=data_utils.rand_name(
                prefix=CONF.resource_name_prefix,
                name=type(self).__name__ + '-image'),
            disk_format='raw')['os-volume_upload_image']['image_id']
        self.addCleanup(
            tempest_waiters.wait_for_volume_resource_status,
            self.volumes_client, volume_id, 'available')
        self.addCleanup(
            self.images_client.wait_for_resource_deletion, image_id)
        self.addCleanup(
            test_utils.call_and_ignore_notfound_exc,
            self.images_client.delete_image, image_id)
        return image_id

    def assert_uploaded(self, image_id: str) -> dict[str, Any]:
        """Watch an upload to its end, and return what is said of its store."""
        seen = self.wait_for_phase(image_id, 'done')
        self.assertLessEqual({answer['phase'] for answer in seen},
                             {'queued', 'upload', 'done'})
        steps = [store['bytes_written']
                 for answer in seen for store in answer['stores']]
        self.assertEqual(sorted(steps), steps)
        size = seen[-1]['size']
        self.assertGreaterEqual(size, CONF.volume.volume_size * 2 ** 30)
        self.assertEqual(100, seen[-1]['percent'])
        store, = seen[-1]['stores']
        self.assertEqual(
            ('finished', size, size, 100), tuple(
                store[field] for field in (
                    'state', 'bytes_written', 'total_bytes', 'percent')))
        # What follows from Glance's database alone has no times.
        self.assertIsNotNone(store['started_at'])
        return store

    @decorators.idempotent_id('83b47180-0c87-42ba-95f6-cbc470d2ab45')
    def test_volume_upload(self) -> None:
        """Cinder's upload is told as any other."""
        volume_id = self.create_volume(CONF.compute.image_ref)
        self.assert_uploaded(self.upload_volume(volume_id))

    @decorators.idempotent_id('ec64271f-d6e0-4830-9d73-d987fa93cf09')
    def test_store_of_base_image(self) -> None:
        """A volume goes to the store of the image that it was made of."""
        if len(CONF.glance_progress.stores) < 2:
            raise self.skipException(
                'There is no second store to upload to: [glance_progress] '
                'stores names one only')
        second = CONF.glance_progress.stores[1]
        base_id = self.create_image()
        with self.slow_upload(base_id, 1, second) as upload:
            upload.finish()
        image_id = self.upload_volume(self.create_volume(base_id))
        self.assertEqual(second, self.assert_uploaded(image_id)['store'])
