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

"""A direct snapshot of a server, as Nova makes it in Ceph."""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import threading
from typing import Any
import uuid

import rados
import rbd

from allinone.daemons import ceph
from tests.functional import nova_snapshots
from tests.functional import services

MiB = 2 ** 20


class Pools:
    """Ceph, as a user of it has it, in a process with many threads."""

    def __init__(self, cluster: ceph.Ceph, user: str) -> None:
        self.fsid = cluster.fsid
        self._conf = str(cluster.client_conf)
        self._user = user
        self._lock = threading.Lock()
        self._cluster: Any = None

    @contextlib.contextmanager
    def pool(self, name: str) -> Iterator[Any]:
        with self._lock:
            if self._cluster is None:
                self._cluster = rados.Rados(
                    conffile=self._conf, rados_id=self._user)
                self._cluster.connect()
        with self._cluster.open_ioctx(name) as ioctx:
            yield ioctx

    def close(self) -> None:
        if self._cluster is not None:
            self._cluster.shutdown()


def make(pools: Pools, pool: str, image_id: str, content: bytes) -> str:
    """Make a server's disk of *content*, clone and flatten it.

    :returns: the location of the image
    """
    disk = 'disk-' + uuid.uuid4().hex
    features = nova_snapshots.QUICK
    with pools.pool(services.SERVERS_POOL) as vms, \
            pools.pool(pool) as images:
        rbd.RBD().create(vms, disk, len(content), order=20,
                         old_format=False, features=features)
        with rbd.Image(vms, disk) as image:
            for at in range(0, len(content), MiB):
                image.write(content[at:at + MiB], at)
            image.create_snap('snap')
            image.protect_snap('snap')
        rbd.RBD().clone(vms, disk, 'snap', images, image_id,
                        features=features, order=20)
        with rbd.Image(images, image_id) as image:
            image.flatten()
            image.create_snap('snap')
            image.protect_snap('snap')
    return 'rbd://%s/%s/%s/snap' % (pools.fsid, pool, image_id)
