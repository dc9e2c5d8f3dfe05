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

"""What is in the cloud from the start: images and flavors."""

from __future__ import annotations

import pathlib
import tempfile
from typing import Any

from allinone.openstack import accounts
from allinone.openstack import boot_image
from allinone.openstack import layout

#: image -> what its guest says on its console
IMAGES = {'tiny': 'BOOT-OK tiny', 'tiny-alt': 'BOOT-OK tiny-alt'}

#: Of each image. A guest without an operating system never lets go of a
#: volume on PCI; on SCSI nobody asks it.
PROPERTIES = {'hw_disk_bus': 'scsi', 'hw_scsi_model': 'virtio-scsi'}

#: flavor -> MiB of memory
FLAVORS = {'tiny': 64, 'tiny-alt': 96}


def create(site: layout.Site) -> None:
    """Make the images and flavors that are not there, all of them public."""
    with accounts.connect(site, 'admin') as admin:
        for name, ram in FLAVORS.items():
            if admin.compute.find_flavor(name) is None:
                admin.compute.create_flavor(
                    name=name, ram=ram, vcpus=1, disk=1)
        for name, text in IMAGES.items():
            if admin.image.find_image(name) is None:
                _upload(admin, name, text)


def _upload(admin: Any, name: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        disk = pathlib.Path(scratch, 'disk.raw')
        boot_image.write(disk, text)
        admin.image.create_image(
            name, filename=str(disk), disk_format='raw',
            container_format='bare', visibility='public', wait=True,
            timeout=accounts.TIMEOUT, **PROPERTIES)
