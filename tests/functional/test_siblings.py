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

"""What a worker has in common with the one that it comes after.

glance-api of its own server, under eventlet, has asked Ceph before it forks.
"""

from __future__ import annotations

from allinone.daemons import glance
import rados
import rbd

from tests.functional import api_base
from tests.functional import base
from tests.functional import services
from tests.functional import test_leftovers

MiB = base.MiB


class SiblingsTest(test_leftovers.LeftoversCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-siblings', kind=glance.EventletGlanceApi, workers=1,
            venv=services.released_venv('2025.2'),
            stores={'ceph': api_base.STORES['ceph']})

    def addresses(self, name: str) -> set[str]:
        """Return those of the clients that have an RBD image open."""
        with rbd.Image(self.ioctx(), name, read_only=True) as image:
            return {each['addr'] for each in image.watchers_list()}

    def blocked(self) -> set[str]:
        """Return the addresses that Ceph blocks."""
        cluster = rados.Rados(
            conffile=str(services.ceph().client_conf), rados_id='admin')
        cluster.connect()
        try:
            status, listed, said = cluster.mon_command(
                '{"prefix": "osd blocklist ls"}', b'')
        finally:
            cluster.shutdown()
        self.assertEqual(0, status, said)
        return {line.split()[0] for line in listed.decode().splitlines()}

    def killed(self) -> tuple[str, set[str]]:
        """Return an image whose upload was killed, and its addresses."""
        image_id = self.uploading()
        addresses = self.addresses(image_id)
        self.assertNotEqual(set(), addresses)
        self.kill_workers()
        self.wait_for(self.api.ready)
        self.wait_for(lambda: not self.watched(image_id), 60)
        return image_id, addresses

    def test_removed_by_the_command(self) -> None:
        image_id, addresses = self.killed()
        self.run_command('--remove', '--yes')
        self.assertEqual('queued', self.status(image_id))
        self.assertNotIn(image_id, self.names())
        self.assertEqual(set(), addresses & self.blocked())
        self.put(base.data(2 * MiB))

    def test_removed_by_hand(self) -> None:
        """As administrators do it: librbd has the address blocked."""
        image_id, addresses = self.killed()
        rbd.RBD().remove(self.ioctx(), image_id)
        self.assertEqual(addresses, addresses & self.blocked())
        self.put(base.data(2 * MiB))
