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

"""A snapshot that Ceph makes of a server's disk, as Horizon's users do it."""

from __future__ import annotations

from tests.cloud import flattening
from tests.dashboard import dashboard_base


class SnapshotTest(dashboard_base.DashboardTestCase,
                   flattening.FlattenTestCase):

    # So many objects that the table is drawn several times meanwhile.
    size = 160 * flattening.MiB

    def test_create_snapshot(self) -> None:
        name = 'of-a-server'
        self.addCleanup(self.delete_images, name)
        self.browser.open('/project/instances/')
        self.browser.find(
            f'#instances__row_{self.server.id}__action_snapshot').click()
        self.browser.find('#create_snapshot_modal [name=name]'
                          ).send_keys(name)
        with self.slow_ceph():
            self.browser.find(
                '#create_snapshot_modal [type=submit]').click()
            self.browser.find('hz-cell')
            seen = [self.percent_above(name, 0)]
            self.assertIn('Flattening', self.browser.row(name))
            self.assertIn('Snapshot', self.browser.row(name))
            for _ in range(2):
                seen.append(self.percent_above(name, seen[-1]))
        self.wait_active(name)
