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

"""Images that Nova makes of servers that boot from volumes."""

from __future__ import annotations

import json

from openstack import exceptions

from tests.cloud import base
from tests.cloud import volumes


class VolumeBackedTest(volumes.VolumesTestCase):

    def setUp(self) -> None:
        super().setUp()
        volume = self.create_volume(
            image_id=self.demo.image.find_image('tiny').id)
        compute = self.demo.compute
        self.server = compute.wait_for_server(compute.create_server(
            name='volume', networks='none',
            flavor_id=compute.find_flavor('tiny').id,
            block_device_mapping=[{
                'boot_index': 0, 'source_type': 'volume', 'uuid': volume.id,
                'destination_type': 'volume'}]), wait=base.PATIENCE)
        self.addCleanup(base.delete_server, self.server)

    def test_snapshot(self) -> None:
        """Cinder makes a snapshot, and the image names it."""
        image_id = self.demo.compute.create_server_image(
            self.server, 'volume').id
        self.addCleanup(self.demo.image.delete_image, image_id)
        snapshot, = self.volumes.snapshots()
        self.addCleanup(self.delete_snapshot, snapshot)
        image = self.demo.image.get_image(image_id)
        device, = json.loads(image.properties['block_device_mapping'])
        self.assertEqual(snapshot.id, device['snapshot_id'])
        answer = base.progress(image_id)
        self.assertEqual(('active', 'done', 0, [snapshot.id]), tuple(
            answer[name] for name in (
                'status', 'phase', 'size', 'volume_snapshots')))
        store, = answer['stores']
        self.assertEqual(('ceph', 'finished', 0), (
            store['store'], store['state'], store['bytes_written']))

    def delete_snapshot(self, snapshot: object) -> None:
        self.volumes.delete_snapshot(snapshot)
        self.volumes.wait_for_delete(
            snapshot, base.POLL, wait=base.PATIENCE)

    def test_no_image(self) -> None:
        """Nova refuses a backup, and shelves without an image."""
        before = self.images()
        self.assertRaises(
            exceptions.BadRequestException, self.demo.compute.backup_server,
            self.server, 'backup', 'daily', rotation=1)
        self.demo.compute.shelve_server(self.server)
        self.demo.compute.wait_for_server(
            self.server, 'SHELVED_OFFLOADED', wait=base.PATIENCE)
        self.assertEqual(before, self.images())

    def images(self) -> set[str]:
        return {image.id for image in self.demo.image.images()}
