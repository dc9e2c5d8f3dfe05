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

"""Which of a server's rebuilds is the newest one, and what it followed."""

# Before anything else of nova or oslo.
from tests.nova import base

import contextlib
from unittest import mock

from nova.conductor.tasks import cross_cell_migrate
from nova import context
from nova import objects
from nova.policies import base as base_policies
from nova.policies import servers as servers_policies

from nova_snapshot_fix import api
from nova_snapshot_fix import database
from nova_snapshot_fix import known
from tests.nova import test_cells


@contextlib.contextmanager
def stock_worker():
    """As if a nova-api answered that does not have our router."""
    with mock.patch.object(
            api.API, '_heal', autospec=True, return_value=False):
        yield


class ImageBackedTest(base.TestCase):

    def test_memory_of_an_earlier_refusal(self):
        """Between the two rebuilds Nova has recorded the image anew."""
        server = self.create_server(base.A)
        self.refuse_rebuild(server)
        with stock_worker():
            self.images[base.A]['properties']['os_distro'] = 'edited'
            self.act(server, 'rebuild', {'imageRef': base.A})
            own = self.image_metadata(server)
            self.assertEqual('edited', own['image_os_distro'])
            self.refuse_rebuild(server)
        self.snapshot(server)
        self.assertEqual(own, self.image_metadata(server))


if base.RELEASE >= 26:

    class VolumeBackedTest(base.TestCase):

        microversion = '2.93'

        def test_memory_of_an_earlier_refusal(self):
            server = self.create_volume_backed()
            self.refuse_rebuild(server)
            with stock_worker():
                self.act(server, 'rebuild', {'imageRef': base.B})
                self.assertEqual(base.B, self.key(server))
                self.refuse_rebuild(server)
            self.snapshot(server)
            metadata = self.metadata(server)
            self.assertEqual((base.B, 'b'), (
                metadata[base.KEY], metadata['image_os_version']))

    class CrossCellTest(base.TestCase):

        NUMBER_OF_CELLS = 2
        ROUTER = base.STOCK_ROUTER

        def test_order_of_rebuilds(self):
            """Nova copies the actions into the other cell newest first."""
            self.start_service(
                'compute', host='far', **{test_cells._CELL: 'cell2'})
            self.policy.set_rules({
                servers_policies.CROSS_CELL_RESIZE:
                    base_policies.RULE_ADMIN_API}, overwrite=False)
            server = self.create_server(
                base.A, availability_zone='nova:host2')
            self.refuse_rebuild(server)
            self.act(server, 'rebuild', {'imageRef': base.B})
            instance = self.instance(server)
            with context.target_cell(
                    context.get_admin_context(),
                    objects.CellMappingList.get_all(
                        context.get_admin_context())[-1]) as far:
                task = cross_cell_migrate.TargetDBSetupTask(
                    instance._context, instance, objects.Migration(
                        context=instance._context,
                        instance_uuid=server, source_compute='host2',
                        dest_compute='far', status='pre-migrating',
                        migration_type='migration'), far)
                task.instance = objects.Instance.get_by_uuid(
                    instance._context, server,
                    expected_attrs=[
                        'flavor', 'info_cache', 'system_metadata'])
                task.source_migration.create()
                task.execute()
                found = list(database.histories(far, [server])[
                    server].rebuilds.values())
            self.assertEqual([known.Rebuild.REFUSED,
                              known.Rebuild.ACCEPTED], found)
