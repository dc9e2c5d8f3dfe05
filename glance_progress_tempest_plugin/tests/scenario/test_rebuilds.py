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
"""What snapshots name as their base image, after rebuilds."""

from __future__ import annotations

import io

from tempest.common import utils
from tempest.common import waiters
from tempest import config
from tempest.lib.common.utils import data_utils
from tempest.lib.common.utils import test_utils
from tempest.lib import decorators

from glance_progress_tempest_plugin.tests.scenario import base

CONF = config.CONF


class RebuildTest(base.BaseSnapshotTest):

    @classmethod
    def skip_checks(cls) -> None:
        super().skip_checks()
        if not CONF.glance_progress.nova_snapshot_fix:
            raise cls.skipException(
                'Nova may lose the base image: [glance_progress] '
                'nova_snapshot_fix is False')

    @decorators.idempotent_id('7ae81aa0-329d-4099-81e8-2f6b9fa138be')
    @decorators.attr(type='slow')
    @utils.services('compute', 'image')
    def test_rebuild(self) -> None:
        """The new image is the base of later snapshots."""
        if CONF.compute.image_ref_alt == CONF.compute.image_ref:
            raise self.skipException(
                'There is no second image to rebuild with: [compute] '
                'image_ref_alt is image_ref')
        server = self.create_server()
        self.assertEqual(
            CONF.compute.image_ref, self.base_image_of_snapshot(server))
        self.rebuild_server(server['id'], image=CONF.compute.image_ref_alt)
        self.assertEqual(
            CONF.compute.image_ref_alt, self.base_image_of_snapshot(server))

    @decorators.idempotent_id('cd17f9fd-d759-4154-ba26-fd037a4a639e')
    @decorators.attr(type='slow')
    @utils.services('compute', 'image')
    def test_rebuild_with_snapshot(self) -> None:
        """The snapshot is the base, not what it stems from."""
        server = self.create_server()
        snapshot = self.take_snapshot(server)
        self.rebuild_server(server['id'], image=snapshot['id'])
        self.assertEqual(snapshot['id'], self.base_image_of_snapshot(server))

    @decorators.idempotent_id('a12ee037-db7f-408d-9d0b-689d150dba21')
    @decorators.attr(type=['slow', 'negative'])
    @utils.services('compute', 'image')
    def test_refused_rebuild(self) -> None:
        """The server keeps its image, and that is the base of snapshots."""
        server = self.create_server()
        self.refuse_rebuild(server['id'], self.create_unwanted_image())
        snapshot = self.take_snapshot(server)
        self.assertEqual(CONF.compute.image_ref, snapshot['base_image_ref'])
        # Nor does it have any other property of the refused image.
        self.assertNotEqual('unwanted', snapshot.get('os_distro'))

    def create_unwanted_image(self) -> str:
        """Create an image that no host can run, and return its id."""
        image = self.image_client.create_image(
            name=data_utils.rand_name(
                prefix=CONF.resource_name_prefix,
                name=type(self).__name__ + '-unwanted'),
            container_format='bare', disk_format='raw', visibility='private',
            os_distro='unwanted',
            **{'trait:CUSTOM_GLANCE_PROGRESS_NOWHERE': 'required'})
        self.addCleanup(
            self.image_client.wait_for_resource_deletion, image['id'])
        self.addCleanup(
            test_utils.call_and_ignore_notfound_exc,
            self.image_client.delete_image, image['id'])
        self.image_client.store_image_file(
            image['id'], io.BytesIO(b'unwanted'))
        return image['id']

    def refuse_rebuild(self, server_id: str, image_id: str) -> None:
        """Rebuild a server with an image that no host can run."""
        self.rebuild_server(server_id, image=image_id, wait=False)
        waiters.wait_for_server_status(
            self.servers_client, server_id, 'ERROR', raise_on_error=False)
        server = self.servers_client.show_server(server_id)['server']
        # It was refused before anything happened to it.
        self.assertEqual(CONF.compute.image_ref, server['image']['id'])
        self.os_admin.servers_client.reset_state(server_id, state='active')
        waiters.wait_for_server_status(
            self.servers_client, server_id, 'ACTIVE')
