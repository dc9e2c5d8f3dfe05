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
"""What all tests of servers share."""

from __future__ import annotations

from typing import Any

from tempest.common import waiters
from tempest import config
from tempest.scenario import manager

CONF = config.CONF


class BaseSnapshotTest(manager.ScenarioTest):
    """Takes snapshots of servers of its own."""

    @classmethod
    def skip_checks(cls) -> None:
        super().skip_checks()
        if not CONF.compute_feature_enabled.snapshot:
            raise cls.skipException('Snapshots of servers are not available')

    def take_snapshot(self, server: dict[str, Any]) -> dict[str, Any]:
        """Take a snapshot, and let Nova finish with the server."""
        image: dict[str, Any] = self.create_server_snapshot(server)
        # The image is active a moment before that.
        waiters.wait_for_server_status(
            self.servers_client, server['id'], 'ACTIVE')
        return image

    def base_image_of_snapshot(self, server: dict[str, Any]) -> str | None:
        """Take a snapshot and return what it names as its base image."""
        return self.take_snapshot(server).get('base_image_ref')
