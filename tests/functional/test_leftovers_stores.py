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

"""What an import to several stores leaves when it is killed in between."""

from __future__ import annotations

from allinone.daemons import glance
import rbd
import sqlalchemy
import testscenarios

from tests.functional import api_base
from tests.functional import base
from tests.functional import services
from tests.functional import test_leftovers

MiB = base.MiB


class StoresTest(testscenarios.WithScenarios, test_leftovers.LeftoversCase):

    # One after the other, and with Glance 33 both at once
    scenarios = [('serial', {'at_once': 1}), ('parallel', {'at_once': 2})]
    at_once = 2

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-leftovers-stores', stores={
                name: api_base.STORES[name] for name in ('ceph', 'second')})

    def setUp(self) -> None:
        super().setUp()
        self.api.stop()
        self.api.options = {**self.api.options, 'image_import_opts': {
            'max_parallel_stores': self.at_once}}
        self.api.start()
        self.wait_for(self.api.ready)

    def rows(self, image_id: str) -> list[str]:
        """Return the statuses of the locations that an image has."""
        engine = sqlalchemy.create_engine(self.api.database.connection)
        with engine.connect() as connection:
            return [row[0] for row in connection.execute(sqlalchemy.text(
                'SELECT status FROM image_locations WHERE image_id = :id '
                'AND deleted = 0 ORDER BY status'), {'id': image_id})]

    def slow_second(self) -> None:
        """Have the second store take 4 MiB a second."""
        ioctx = self.ioctx(services.SECOND_POOL)
        limit = 'conf_rbd_qos_write_bps_limit'
        rbd.RBD().pool_metadata_set(ioctx, limit, str(4 * MiB))
        self.addCleanup(rbd.RBD().pool_metadata_remove, ioctx, limit)

    def test_killed_in_between(self) -> None:
        image_id = self.stage(content=base.data(16 * MiB))
        self.slow_second()
        self.client.images.image_import(
            image_id, 'glance-direct', stores=['ceph', 'second'],
            allow_failure=False)
        expected = ['active'] if self.at_once == 1 else [
            'active', 'uploading']
        self.wait_for(lambda: self.rows(image_id) == expected
                      and image_id in self.names(services.SECOND_POOL))
        self.kill_workers()
        self.wait_for(self.api.ready)
        self.assertEqual('importing', self.status(image_id))
        self.wait_for(lambda: not self.watched(
            image_id, services.SECOND_POOL), 60)
        self.assertEqual({image_id: ('uploads left behind',)}, self.found())
        self.run_command('--remove', '--yes')
        self.assertEqual('queued', self.status(image_id))
        self.assertEqual([], self.rows(image_id))
        for pool in (services.POOL, services.SECOND_POOL):
            self.assertEqual([], self.names(pool))
        # It can be repeated, and what was taken away comes back.
        self.run_command('--restore', image_id, status=0)
        self.assertEqual([image_id], self.names())

    def test_locations_alone(self) -> None:
        """What Glance's own way to free a lock leaves."""
        image_id = self.put(base.data(MiB))
        services.mariadb().execute(
            "USE {0}; INSERT INTO image_locations (image_id, value, meta_data,"
            " status, created_at, updated_at, deleted) VALUES ('{1}', "
            "'pending://parallel-import/{1}/second', '{{}}', 'pending', "
            "UTC_TIMESTAMP(), UTC_TIMESTAMP(), 0)".format(
                self.api.database.name, image_id))
        self.assertEqual({image_id: ('tasks left behind',)}, self.found())
        self.run_command('--remove', '--yes')
        self.assertEqual(['active'], self.rows(image_id))
        self.assertEqual('active', self.status(image_id))
