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

"""What the cloud writes is in its directory.

The module's name has it run after those that make the cloud do things.
"""

from __future__ import annotations

import glob
import os

import testtools

from tests.cloud import base

#: The services and libraries of the cloud that have places of their own.
NAMES = ('ceph', 'cinder', 'epmd', 'glance', 'iscsi', 'keystone', 'libvirt',
         'libvirtd', 'memcached', 'mysql', 'neutron', 'nova', 'nvme',
         'placement', 'qemu', 'rabbitmq', 'tempest')

PLACES = [*(directory + name for name in NAMES for directory in (
    '/etc/', '/run/', '/var/cache/', '/var/lib/', '/var/log/')),
    '/run/*.pid', '/tmp/brickrbd_*']

#: A mount point, which is made where libvirt has not run since the boot.
MOUNT_POINTS = {'/run/libvirt'}


class WrittenTest(testtools.TestCase):

    def test_nothing_elsewhere(self) -> None:
        # It is written before any service starts, and never again.
        since = base.machine().keystone.conf.stat().st_ctime
        found = [path for pattern in PLACES for top in glob.glob(pattern)
                 for path in _below(top)]
        self.assertNotEqual([], found)
        self.assertEqual([], [
            path for path in found if path not in MOUNT_POINTS
            and os.lstat(path).st_ctime > since])


def _below(top: str) -> list[str]:
    """Return a path and all below it."""
    return [top, *(os.path.join(directory, name)
                   for directory, names, files in os.walk(top)
                   for name in names + files)]
