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

"""Volumes of the user `demo`, and images that Cinder makes of them."""

from __future__ import annotations

import os
from typing import Any

import testtools

from allinone.openstack import cinder
from tests.cloud import base

MiB = 2 ** 20
GiB = 2 ** 30

#: The store that is not Glance's default one.
SECOND = 'second'


def type_id(**specs: str) -> str:
    """Make a volume type for everyone and return its id."""
    return base.connect('admin').block_storage.create_type(
        name='test-' + os.urandom(4).hex(), extra_specs=specs).id


def parent(volume: Any) -> tuple[str, str] | None:
    """Return pool and name of what a volume is a clone of in Ceph."""
    found = base.machine().ceph.rbd(
        'info', f'{cinder.POOL}/volume-{volume.id}', parse=True).get('parent')
    return found and (found['pool'], found['image'])


class VolumesTestCase(testtools.TestCase):

    def setUp(self) -> None:
        super().setUp()
        self.demo = base.connect('demo')
        self.volumes = self.demo.block_storage

    def base_image(self) -> Any:
        """Upload a public image to the second store."""
        images = base.connect('admin').image
        image = images.create_image(
            'base', disk_format='raw', container_format='bare',
            visibility='public', allow_duplicates=True)
        self.addCleanup(images.delete_image, image.id)
        images.put(f'/images/{image.id}/file', data=os.urandom(32 * MiB),
                   headers={'Content-Type': 'application/octet-stream',
                            'x-image-meta-store': SECOND})
        return image

    def create_volume(self, **properties: Any) -> Any:
        """Make a volume of 1 GiB."""
        volume = self.volumes.create_volume(size=1, **properties)
        self.addCleanup(self._delete, volume)
        return self.wait_volume(volume, 'available')

    def wait_volume(self, volume: Any, status: str) -> Any:
        return self.volumes.wait_for_status(
            self.volumes.get_volume(volume.id), status, ['error'],
            base.POLL, base.PATIENCE)

    def _delete(self, volume: Any) -> None:
        base.wait_for('end of a volume', lambda: self._deleted(volume))

    def _deleted(self, volume: Any) -> bool:
        found = self.volumes.find_volume(volume.id)
        # Cinder has a volume open for a while whose upload has failed, and
        # does not delete it then. Its clients' end takes Ceph half a minute.
        if found is not None and found.status != 'deleting':
            self.volumes.delete_volume(found)
        return found is None

    def upload(self, volume: Any, **options: Any) -> str:
        """Have Cinder make an image of a volume and return its id."""
        image_id = self.volumes.upload_volume_to_image(
            volume, self.id().rpartition('.')[2], **options)['image_id']
        self.addCleanup(self.demo.image.delete_image, image_id)
        return str(image_id)

    def answers(self, image_id: str) -> list[dict[str, Any]]:
        """Return all that the API says until nothing is under way."""
        seen = []

        def look() -> bool:
            seen.append(base.progress(image_id))
            return seen[-1]['phase'] == 'done'
        base.wait_for('image of a volume', look)
        return seen

    def assert_uploaded(
        self, image_id: str, store: str, size: int | None = None
    ) -> Any:
        """Watch an upload, which is seen on its way, and return the image.

        :param size: in bytes; None for what Glance says
        """
        written: list[int] = []
        for answer in self.answers(image_id):
            for each in answer['stores']:
                self.assertEqual(store, each['store'])
                self.assertIsNone(each['failure'])
                written.append(each['bytes_written'])
            if answer['status'] == 'queued':
                # Cinder reads, converts, and has sent nothing.
                self.assertEqual(('queued', None, 'database', []), (
                    answer['phase'], answer['percent'], answer['source'],
                    answer['stores']))
            elif answer['status'] == 'saving':
                self.assertEqual('upload', answer['phase'])
        self.assertEqual(sorted(written), written)
        image = self.demo.image.get_image(image_id)
        self.assertIn(size, (image.size, None))
        self.assertTrue(any(0 < each < image.size for each in written),
                        written)
        self.assertEqual(('done', 100, 'finished', image.size), (
            answer['phase'], answer['percent'],
            answer['stores'][0]['state'],
            answer['stores'][0]['bytes_written']))
        return image
