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

"""Images that Cinder makes of volumes, in every way, and where they go."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import fixtures
from testtools import matchers

from allinone.openstack import glance
from tests.cloud import base
from tests.cloud import patched
from tests.cloud import volumes


class UploadTest(volumes.VolumesTestCase):

    def test_raw(self) -> None:
        self.assert_uploaded(
            self.upload(self.create_volume()), 'ceph', volumes.GiB)

    def test_qcow2(self) -> None:
        """Cinder converts, and then sends what has come of it."""
        volume = self.create_volume(image_id=self.base_image().id)
        self.slow_down(volumes.SECOND)
        image = self.assert_uploaded(
            self.upload(volume, disk_format='qcow2'), volumes.SECOND)
        self.assertThat(image.size, matchers.LessThan(volumes.GiB))

    def test_encrypted(self) -> None:
        """The image has the key's id, and all bytes are there."""
        kind = volumes.type_id()
        base.connect('admin').block_storage.create_type_encryption(
            kind, provider='luks', cipher='aes-xts-plain64', key_size=256,
            control_location='front-end')
        image = self.assert_uploaded(
            self.upload(self.create_volume(volume_type=kind)), 'ceph')
        self.assertIn('cinder_encryption_key_id', image.properties)
        self.assertThat(image.size, matchers.GreaterThan(volumes.GiB))

    def test_attached(self) -> None:
        volume = self.create_volume()
        server = base.create_server('volumes', 'tiny')
        self.addCleanup(base.delete_server, server)
        self.demo.compute.create_volume_attachment(
            server, volume_id=volume.id)
        self.wait_volume(volume, 'in-use')
        self.assert_uploaded(
            self.upload(volume, force=True), 'ceph', volumes.GiB)
        self.wait_volume(volume, 'in-use')
        self.demo.compute.delete_volume_attachment(server, volume.id)
        self.wait_volume(volume, 'available')

    def test_quota(self) -> None:
        """Cinder deletes the image; who runs the cloud is told why."""
        machine = base.machine()
        settings = base.Settings(machine.glance.conf, machine.glance.api)
        self.addCleanup(settings.edit, {})
        settings.edit({'DEFAULT': {'user_storage_quota': '100MB'}})
        volume = self.create_volume()
        # It has a volume open whose upload has failed until Python collects
        # the garbage, which may take minutes, and deletes none that is open.
        self.addCleanup(machine.cinder.volume.restart, base.PATIENCE)
        image_id = self.upload(volume)
        self.wait_volume(volume, 'available')
        self.assertIsNone(base.find_image(image_id))
        shown = subprocess.run(
            [sys.prefix + '/bin/glance-progress', '--config-file',
             str(machine.glance.conf), 'show', '--json', image_id],
            capture_output=True, text=True, timeout=base.PATIENCE)
        record = json.loads(shown.stdout)
        self.assertEqual(
            ('ceph', 'failed', 'The image exceeds the quota.'),
            (record['store'], record['state'], record['failure']))

    def slow_down(self, store: str) -> None:
        """Have librbd write 8 MiB a second to each image of a store."""
        ceph, limit = base.machine().ceph, 'rbd_qos_write_bps_limit'
        ceph.rbd('config', 'pool', 'set', glance.POOLS[store], limit,
                 str(8 * volumes.MiB))
        self.addCleanup(
            ceph.rbd, 'config', 'pool', 'remove', glance.POOLS[store], limit)


class PatchedTest(volumes.VolumesTestCase):
    """Cinder tells the size with the patch of patches/cinder."""

    def setUp(self) -> None:
        super().setUp()
        machine = base.machine()
        released = machine.cinder.volume
        settings = base.Settings(machine.cinder.conf, released)
        service = patched.Patched(released, pathlib.Path(
            self.useFixture(fixtures.TempDir()).path))
        self.addCleanup(settings.edit, {})
        self.addCleanup(settings.run, released)
        settings.run(service)
        settings.edit({})

    def test_raw(self) -> None:
        image_id = self.upload(self.create_volume())
        base.assert_told(self, self.answers(image_id))


class StoreTest(volumes.VolumesTestCase):
    """Where the image of a volume goes that was made from an image."""

    def test_to_that_of_its_base(self) -> None:
        """So that volumes can be clones of the image in turn."""
        base_id = self.base_image().id
        volume = self.create_volume(image_id=base_id)
        self.assertEqual((glance.POOLS[volumes.SECOND], base_id),
                         volumes.parent(volume))
        image_id = self.upload(volume)
        self.assert_uploaded(image_id, volumes.SECOND, volumes.GiB)
        self.assertEqual(
            (glance.POOLS[volumes.SECOND], image_id),
            volumes.parent(self.create_volume(image_id=image_id)))

    def test_to_that_of_the_type(self) -> None:
        volume = self.create_volume(
            image_id=self.base_image().id,
            volume_type=volumes.type_id(**{'image_service:store_id': 'ceph'}))
        self.assert_uploaded(self.upload(volume), 'ceph', volumes.GiB)

    def test_hidden_base(self) -> None:
        """What the user may not see by now changes nothing."""
        image = self.base_image()
        volume = self.create_volume(image_id=image.id)
        base.connect('admin').image.update_image(
            image.id, visibility='private')
        self.assert_uploaded(self.upload(volume), 'ceph', volumes.GiB)


class DirectCloneTest(volumes.VolumesTestCase):
    """The image is a volume: nothing is uploaded."""

    STORE = 'volumes'

    def setUp(self) -> None:
        super().setUp()
        machine = base.machine()
        user = machine.site.credentials('glance')
        self.set(base.Settings(machine.glance.conf, machine.glance.api), {
            'DEFAULT': {'enabled_backends': ','.join([
                *('%s:rbd' % store for store in glance.POOLS),
                self.STORE + ':cinder'])},
            self.STORE: {
                'cinder_store_auth_address': str(user['auth_url']),
                'cinder_store_user_name': str(user['username']),
                'cinder_store_password': str(user['password']),
                'cinder_store_project_name': str(user['project_name'])}})
        self.set(base.Settings(machine.cinder.conf, machine.cinder.volume), {
            'DEFAULT': {'allowed_direct_url_schemes': 'cinder'},
            'ceph': {'image_upload_use_cinder_backend': 'true'}})

    def set(self, settings: base.Settings, edits: base.Edits) -> None:
        self.addCleanup(settings.edit, {})
        settings.edit(edits)

    def test_direct_clone(self) -> None:
        volume = self.create_volume()
        image_id = self.upload(volume)
        answers = self.answers(image_id)
        self.assertLessEqual({each['phase'] for each in answers},
                             {'queued', 'registering', 'done'})
        for each in answers:
            self.assertEqual('database', each['source'])
            for store in each['stores']:
                self.assertIsNone(store['failure'])
        self.assertEqual(('done', 100), (
            answers[-1]['phase'], answers[-1]['percent']))
        store, = answers[-1]['stores']
        self.assertEqual((self.STORE, 'finished', volumes.GiB), (
            store['store'], store['state'], store['bytes_written']))
        pool, name = volumes.parent(self.create_volume(image_id=image_id))
        self.assertEqual('volumes', pool)
