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
"""Snapshots that Ceph makes of a server's disk, slowly enough to watch.

Glance's Ceph user has the rights that Ceph's documentation gives it, so that
it cannot read the servers' disks.
"""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import itertools
from typing import Any

import rados
import rbd
import testtools

from allinone.openstack import glance
from allinone.openstack import nova
from tests.cloud import base

MiB = 2 ** 20


class FlattenTestCase(testtools.TestCase):

    #: What the disk holds, in bytes.
    size: int

    def setUp(self) -> None:
        super().setUp()
        self.demo = base.connect('demo')
        self.ceph = base.machine().ceph
        # Object by object, which makes little difference but here.
        conf = self.ceph.client_conf
        before = conf.read_text()
        self.addCleanup(conf.write_text, before)
        conf.write_text(
            before + '[client.nova]\nrbd_concurrent_management_ops = 1\n')
        self.server = base.create_server('flatten', 'tiny')
        self.addCleanup(base.delete_server, self.server)
        self.fill()

    @contextlib.contextmanager
    def pool(self, name: str) -> Iterator[rados.Ioctx]:
        with rados.Rados(conffile=str(self.ceph.client_conf),
                         rados_id='nova') as cluster, \
                cluster.open_ioctx(name) as ioctx:
            yield ioctx

    def fill(self) -> None:
        """Write to the server's disk, as if its guest had."""
        with self.pool(nova.POOL) as ioctx, \
                rbd.Image(ioctx, self.server.id + '_disk') as disk:
            for offset in range(16 * MiB, 16 * MiB + self.size, MiB):
                disk.write(b'\1' * MiB, offset)

    @contextlib.contextmanager
    def slow_ceph(self) -> Iterator[None]:
        """Have the OSD take its time with each message."""
        option = 'osd_debug_inject_dispatch_delay_'
        self.ceph.ceph('tell', 'osd.0', 'config', 'set',
                       option + 'duration', '0.08')
        try:
            self.ceph.ceph('tell', 'osd.0', 'config', 'set',
                           option + 'probability', '1')
            yield
        finally:
            self.ceph.ceph('tell', 'osd.0', 'config', 'set',
                           option + 'probability', '0')

    def follow(self, image_id: str) -> list[dict[str, Any]]:
        """Return what is answered until nothing is copied any more."""
        seen: list[dict[str, Any]] = []

        def done() -> bool:
            seen.append(base.progress(image_id))
            return seen[-1]['phase'] in ('registering', 'done', 'failed')

        base.wait_for('snapshot', done)
        return seen

    def assert_flattened(self, image_id: str) -> list[float]:
        """Watch the copying of an image and return the percentages."""
        with self.pool(glance.POOLS['ceph']) as ioctx:
            base.wait_for('clone', lambda: image_id in rbd.RBD().list(ioctx))
        with self.slow_ceph():
            seen = self.follow(image_id)
        phases = [phase for phase, _ in itertools.groupby(
            each['phase'] for each in seen)]
        self.assertIn(phases[-1], ('registering', 'done'), phases)
        self.assertLessEqual(
            set(phases[:-1]), {'queued', 'preparing', 'flattening'})
        flattening = [each for each in seen if each['phase'] == 'flattening']
        self.assertEqual({('queued', 'ceph')}, {
            (each['status'], each['source']) for each in flattening})
        measured = [store for each in flattening for store in each['stores']]
        self.assertEqual({('ceph', 'object map')}, {
            (store['store'], store['measured_by']) for store in measured})
        percents = [each['percent'] for each in flattening]
        self.assertEqual(sorted(percents), percents)
        base.wait_for(
            'image', lambda: base.progress(image_id)['phase'] == 'done')
        return percents
