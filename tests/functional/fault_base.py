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

"""What tests share that have Ceph fail in the middle of an upload."""

from __future__ import annotations

from collections.abc import Callable
import hashlib
import threading

import rados
import rbd

from tests.functional import base
from tests.functional import services

MiB = base.MiB


class Source:
    """An image file that is never in memory as a whole.

    :param at_read: called with the number of each read
    """

    def __init__(
        self, chunks: int, chunk_size: int, at_read: Callable[[int], None]
    ) -> None:
        self._left = chunks
        self._size = chunk_size
        self._at_read = at_read
        self.reads = 0
        self.digest = hashlib.sha512()
        self._seed = base.data(chunk_size)

    def read(self, size: int) -> bytes:
        self._at_read(self.reads)
        self.reads += 1
        if not self._left:
            return b''
        self._left -= 1
        head = b'%032d' % self.reads
        chunk = head + self._seed[len(head):size]
        self.digest.update(chunk)
        return chunk


class FaultTestCase(base.TestCase):
    """Has something happen later, and looks at what is in the pool."""

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, act)
        timer.start()
        self.addCleanup(timer.join)

    def images(self, pool: str = services.POOL) -> list[str]:
        cluster = rados.Rados(
            conffile=str(self.ceph.client_conf), rados_id='admin')
        cluster.connect()
        try:
            with cluster.open_ioctx(pool) as ioctx:
                return rbd.RBD().list(ioctx) + [
                    one['name'] for one in rbd.RBD().trash_list(ioctx)]
        finally:
            cluster.shutdown()

    def assert_stored(
        self, image_id: str, digest: str, pool: str = services.POOL
    ) -> None:
        """Compare what Ceph holds, and see that nobody holds a lock."""
        cluster = rados.Rados(
            conffile=str(self.ceph.client_conf), rados_id='admin')
        cluster.connect()
        self.addCleanup(cluster.shutdown)
        found = hashlib.sha512()
        with cluster.open_ioctx(pool) as ioctx, rbd.Image(
                ioctx, image_id, snapshot='snap', read_only=True) as image:
            for offset in range(0, image.size(), 8 * MiB):
                found.update(image.read(
                    offset, min(8 * MiB, image.size() - offset)))
            self.assertEqual([], list(image.list_lockers() or ()))
            self.assertTrue(image.is_protected_snap('snap'))
        self.assertEqual(digest, found.hexdigest())
