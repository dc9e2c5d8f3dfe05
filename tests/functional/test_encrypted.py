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

"""Encrypted images, which are to Glance what they are with the stock driver.

Glance knows of two kinds: LUKS containers, by their header and by properties
that are Nova's and Cinder's, and images of Cinder's encrypted volumes, with
whose deletion their keys go.
"""

from __future__ import annotations

import functools
import pathlib
import subprocess
from typing import Any
import uuid

from allinone.daemons import glance
from tests.functional import api_base
from tests.functional import base
from tests.functional import glance_base
from tests.functional import key_manager
from tests.functional import services

MiB = base.MiB

#: What is the same of an image in either store.
_FIELDS = ('status', 'size', 'virtual_size', 'checksum', 'os_hash_value',
           'disk_format', 'os_encrypt_key_id')


@functools.cache
def luks() -> bytes:
    """Return a LUKS container, as qemu-img makes it, of 4 MiB and a header."""
    path = services.directory() / 'container.luks'
    while True:
        done = subprocess.run(
            ['qemu-img', 'create', '-q', '-f', 'luks',
             '--object', 'secret,id=key,data=passphrase',
             '-o', 'key-secret=key,iter-time=10', path, '4M'],
            stderr=subprocess.PIPE, text=True)
        # QEMU 7.2 measures first how long 32,768 rounds take, and gives up
        # where they end within one tick of the kernel's.
        if 'Unable to get accurate CPU usage' not in done.stderr:
            break
    if done.returncode:
        raise RuntimeError(done.stderr)
    header = path.read_bytes()[:-4 * MiB]
    return header + base.data(4 * MiB)


def deleted_keys() -> pathlib.Path:
    return services.directory() / 'deleted-keys'


class WithKeyManager(glance.GlanceApi):

    def environment(self) -> dict[str, str]:
        return {**super().environment(),
                key_manager.DELETED: str(deleted_keys()),
                'PYTHONPATH': str(services.PROJECT)}


class EncryptedTest(api_base.ApiTestCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        plain = {'type': 'rbd', **glance_base.CHUNK}
        return api_base.make(
            'glance-encrypted', kind=WithKeyManager, options={
                'key_manager': {'backend':
                                'tests.functional.key_manager.Deleting'}},
            section={'stock_stores': 'stock'}, stores={
                'ceph': {**plain, 'pool': services.POOL},
                'stock': {**plain, 'pool': services.SECOND_POOL}})

    def encrypted(self, disk_format: str, **more: Any) -> str:
        return self.client.images.create(
            disk_format=disk_format, container_format='bare', **{
                'os_encrypt_format': 'LUKSv1',
                'os_encrypt_cipher': 'aes-256-xts-plain64',
                'os_encrypt_key_id': '0d0f1a53-7b0c-4c0f-9b0e-2f8f9f0d5f11',
                'os_encrypt_key_deletion_policy': 'do_not_delete',
                'os_decrypt_container_format': 'bare', **more}).id

    def send(self, image_id: str, store: str) -> int:
        upload = self.upload(
            image_id, len(luks()), **{'x-image-meta-store': store})
        upload.send(luks())
        return upload.end()

    def test_container(self) -> None:
        images = {}
        for store, pool in (('stock', services.SECOND_POOL),
                            ('ceph', services.POOL)):
            image_id = self.encrypted('raw')
            self.assertEqual(204, self.send(image_id, store))
            self.assertEqual(luks(), self.rbd_content(image_id, pool=pool))
            images[store] = self.client.images.get(image_id)
        for name in _FIELDS:
            self.assertEqual(
                images['stock'][name], images['ceph'][name], name)
        done = self.wait_progress(images['ceph'].id, phase='done')
        self.assertEqual(100, done['percent'])
        self.assertEqual(
            len(luks()), api_base.by_store(done)['ceph']['bytes_written'])

    def test_container_of_another_format(self) -> None:
        """Glance finds that out when the store has all of it."""
        statuses = {}
        for store in 'stock', 'ceph':
            image_id = self.encrypted('qcow2')
            statuses[store] = (
                self.send(image_id, store),
                self.client.images.get(image_id).status)
        self.assertEqual((415, 'queued'), statuses['stock'])
        self.assertEqual(statuses['stock'], statuses['ceph'])
        failed = self.wait_progress(image_id, phase='failed')
        self.assertLess(failed['percent'], 100)
        self.assertIsNotNone(failed['last_failure']['failure'])

    def test_import(self) -> None:
        image_id = self.encrypted('raw')
        upload = self.upload(image_id, len(luks()), 'stage')
        upload.send(luks())
        self.assertEqual(204, upload.end())
        self.client.images.image_import(
            image_id, 'glance-direct', stores=['ceph', 'stock'])
        self.wait_progress(image_id, phase='done', percent=100)
        self.assertEqual(luks(), self.rbd_content(image_id))

    def test_key_of_a_volume_goes_with_its_image(self) -> None:
        keys = {policy: str(uuid.uuid4())
                for policy in ('on_image_deletion', 'do_not_delete')}
        for policy, key in keys.items():
            image_id = self.encrypted(
                'raw', cinder_encryption_key_id=key,
                cinder_encryption_key_deletion_policy=policy)
            self.assertEqual(204, self.send(image_id, 'ceph'))
            self.client.images.delete(image_id)
        self.assertEqual(
            [keys['on_image_deletion']],
            deleted_keys().read_text().splitlines())
