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

"""Images that Nova makes of servers whose disks are in Ceph."""

from __future__ import annotations

from keystoneauth1 import exceptions

from tests.cloud import base
from tests.cloud import flattening


class SnapshotTest(flattening.FlattenTestCase):

    # Enough objects for a copy that can be followed.
    size = 640 * flattening.MiB

    def test_snapshot(self) -> None:
        image_id = self.demo.compute.create_server_image(
            self.server, 'flatten').id
        self.addCleanup(self.demo.image.delete_image, image_id)
        percents = self.assert_flattened(image_id)
        self.assertGreaterEqual(len(set(percents)), 3, percents)
        # The server is as it was.
        base.wait_for('server', lambda: not self.demo.compute.get_server(
            self.server).task_state)
        self.assertEqual(
            'ACTIVE', self.demo.compute.get_server(self.server).status)


class OtherImagesTest(flattening.FlattenTestCase):
    """They are made like snapshots, and so fewer looks at them do."""

    size = 256 * flattening.MiB

    def test_backup(self) -> None:
        first = self.back_up()
        self.assert_flattened(first)
        # The next one takes its place.
        second = self.back_up()
        base.wait_for(
            'backup', lambda: base.progress(second)['phase'] == 'done')
        base.wait_for('rotation', lambda: base.find_image(first) is None)
        self.assertRaises(exceptions.NotFound, base.progress, first)

    def back_up(self) -> str:
        base.wait_for('server', lambda: not self.demo.compute.get_server(
            self.server).task_state)
        image_id = str(self.demo.compute.backup_server(
            self.server, 'backup', 'daily', rotation=1).id)
        self.addCleanup(self.demo.image.delete_image, image_id)
        return image_id

    def test_shelve(self) -> None:
        self.demo.compute.shelve_server(self.server)
        image = base.wait_for('image', lambda: self.demo.image.find_image(
            self.server.name + '-shelved'))
        # Nova deletes it with the server, if that is shelved by then.
        self.addCleanup(self.demo.image.delete_image, image)
        self.assert_flattened(image.id)
        self.demo.compute.wait_for_server(
            self.server, 'SHELVED_OFFLOADED', wait=base.PATIENCE)
