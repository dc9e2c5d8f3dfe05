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
"""Snapshots that Ceph makes, without the data passing through Glance."""

from __future__ import annotations

from tempest.common import utils
from tempest import config
from tempest.lib import decorators

from glance_progress_tempest_plugin.tests.scenario import base

CONF = config.CONF


class DirectSnapshotTest(base.BaseSnapshotTest):

    @classmethod
    def skip_checks(cls) -> None:
        super().skip_checks()
        if not CONF.glance_progress.snapshot_direct:
            raise cls.skipException(
                'Nova uploads its snapshots: [glance_progress] '
                'snapshot_direct is False')
        if not CONF.glance_progress.progress_api:
            raise cls.skipException(
                'Nothing tells an upload from a clone: [glance_progress] '
                'progress_api is False')

    @decorators.idempotent_id('211673e4-e8fa-4fe4-b8d1-d000fcdff269')
    @decorators.attr(type='slow')
    @utils.services('compute', 'image')
    def test_snapshot_is_a_clone(self) -> None:
        server = self.create_server()
        snapshot = self.take_snapshot(server)
        self.assertEqual('raw', snapshot['disk_format'])
        self.assertRegex(snapshot.get('direct_url', ''), '^rbd://')
        self.assertEqual(CONF.compute.image_ref, snapshot['base_image_ref'])
        # Whatever is uploaded to a store leaves a record of it.
        client = self.os_primary.glance_progress.ProgressClient()
        answer = client.show_progress(snapshot['id'])
        self.assertEqual(
            ('done', 100, 'database'), tuple(
                answer[field] for field in ('phase', 'percent', 'source')))
        # It can be used like any other.
        self.create_server(image_id=snapshot['id'])
