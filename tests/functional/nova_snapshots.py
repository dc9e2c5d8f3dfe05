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

"""What Nova does in Ceph to make a snapshot of a server, step by step."""

from __future__ import annotations

import pathlib
import subprocess
import sys
from typing import Any
import uuid

import rados
import rbd

from tests.functional import base
from tests.functional import services

MiB = base.MiB

#: Bytes of an object.
OBJECT = MiB
_ORDER = 20

#: Features without and with an object map and fast-diff.
PLAIN = rbd.RBD_FEATURE_LAYERING
QUICK = (PLAIN | rbd.RBD_FEATURE_EXCLUSIVE_LOCK
         | rbd.RBD_FEATURE_OBJECT_MAP | rbd.RBD_FEATURE_FAST_DIFF)


class TestCase(base.TestCase):
    """Has servers' disks, and makes snapshots of them."""

    def setUp(self) -> None:
        super().setUp()
        self.ceph = services.ceph_of_nova()
        self.vms = self.pool_as(services.NOVA, services.SERVERS_POOL)
        self.images = self.pool_as(services.NOVA, services.POOL)

    def pool_as(self, user: str, pool: str, **options: str) -> Any:
        """Return an I/O context on *pool*, closed after the test."""
        cluster = rados.Rados(
            conffile=str(self.ceph.client_conf), rados_id=user)
        for name, value in options.items():
            cluster.conf_set(name, value)
        cluster.connect()
        self.addCleanup(cluster.shutdown)
        ioctx = cluster.open_ioctx(pool)
        self.addCleanup(ioctx.close)
        return ioctx

    def base_image(self, objects: int, written: list[int]) -> str:
        """Make an image as Glance does; return its name."""
        return self._made(self.images, objects, written)

    def disk(
        self, objects: int, written: list[int], zeros: list[int] | None = None,
        of: str | None = None,
    ) -> str:
        """Make a server's disk with a snapshot; return its name.

        :param objects: how large it is
        :param written: numbers of the objects with data
        :param zeros: numbers of those that are full of zeros
        :param of: the base image that it is a clone of
        """
        return self._made(self.vms, objects, written, zeros or [], of)

    def _made(self, ioctx: Any, objects: int, written: list[int],
              zeros: list[int] | None = None, of: str | None = None) -> str:
        name = 'disk-' + uuid.uuid4().hex
        if of is None:
            rbd.RBD().create(ioctx, name, objects * OBJECT, order=_ORDER,
                             old_format=False, features=QUICK)
        else:
            rbd.RBD().clone(self.images, of, 'snap', ioctx, name,
                            features=QUICK, order=_ORDER)
        with rbd.Image(ioctx, name) as image:
            image.resize(objects * OBJECT)
            for number in written:
                image.write(b'x' * OBJECT, number * OBJECT)
            for number in zeros or []:
                image.write(bytes(OBJECT), number * OBJECT)
            image.create_snap('snap')
            image.protect_snap('snap')
        return name

    def clone(self, disk: str, image_id: str, features: int = QUICK) -> None:
        """Clone a disk's snapshot to the pool of images."""
        rbd.RBD().clone(self.vms, disk, 'snap', self.images, image_id,
                        features=features, order=_ORDER)

    def flatten(self, image_id: str) -> Flatten:
        """Return the flattening of an image, which is yet to begin."""
        flattening = Flatten(str(self.ceph.client_conf), image_id)
        self.addCleanup(flattening.end)
        return flattening

    def snap(self, image_id: str) -> str:
        """Make and protect the snapshot; return the location."""
        with rbd.Image(self.images, image_id) as image:
            image.create_snap('snap')
            image.protect_snap('snap')
        return 'rbd://%s/%s/%s/snap' % (
            self.ceph.fsid, services.POOL, image_id)


class Flatten:
    """An image that is being flattened, by another process."""

    def __init__(self, conf: str, image_id: str) -> None:
        script = pathlib.Path(__file__).with_name('flatten_one.py')
        self._process = subprocess.Popen(
            [sys.executable, str(script), conf, services.NOVA, services.POOL,
             image_id],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            bufsize=1)

    def go_to(self, objects: int) -> None:
        """Go on until so many objects are behind, and stop there."""
        self._say(objects)
        assert self._process.stdout is not None
        reached = self._process.stdout.readline()
        assert int(reached) >= objects, reached

    def finish(self) -> None:
        """Go on to the end."""
        self._say(sys.maxsize)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == 'flattened\n'
        self._process.wait()

    def end(self) -> None:
        """End it wherever it is."""
        self._process.kill()
        self._process.communicate()

    def _say(self, objects: int) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write('%d\n' % objects)
