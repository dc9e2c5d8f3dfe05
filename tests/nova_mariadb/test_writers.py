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


"""The repair and the extension on a MariaDB: REPEATABLE READ, several writers.

What others write is written through connections of their own, whose locks of
rows are the database's.
"""

# Before anything else of nova or oslo.
from tests.nova import base

import json
import os
import subprocess
import sys
from unittest import mock

import fixtures
from nova import objects
import portpicker

from nova_snapshot_fix import api
from nova_snapshot_fix import database
from nova_snapshot_fix import heal
from nova_snapshot_fix import request_spec
from tests.nova import test_cells
from tests.nova import test_command
from tests.nova_mariadb import databases
from tests.nova_mariadb import writers

CELL = databases.CELLS[1]


class RepairTest(databases.OnMariaDb, writers.Writers,
                 test_command.CommandTestCase):

    def repair(self, server):
        return self.states('repair', '--instance', server)

    def assert_keeps(self, saved, **columns):
        server, before = self.refused()
        with self.compute_saves(server, saved, **columns):
            repair = writers.Beside(self.repair, server)
            databases.wait_for_lock()
        self.assertEqual((0, {server: 'healed'}), repair.result())
        self.assert_healed(server, dict(before, **saved))
        self.assertEqual((0, {}), self.states('check'))

    def test_isolation(self):
        """The tests of this module say nothing without it."""
        with databases.connect(CELL) as connection:
            self.assertEqual(
                (('REPEATABLE-READ', 'InnoDB'),), databases.execute(
                    connection, 'SELECT @@tx_isolation, engine FROM'
                    ' information_schema.tables WHERE table_schema = %s'
                    " AND table_name = 'instances'", CELL))

    def test_compute_saves_metadata_of_its_own(self):
        self.assert_keeps({'password_0': 'x'})

    def test_compute_registers_and_saves(self):
        """The repair has read the server without what is being written."""
        self.assert_keeps({'image_hw_machine_type': 'pc-q35-7.2'})

    def test_compute_saves_the_row(self):
        self.assert_keeps({'image_hw_machine_type': 'pc-q35-7.2'},
                          display_name='renamed')

    def test_compute_saves_what_it_read_before(self):
        """Nova undoes what was repaired then; another run repairs it."""
        server, before = self.refused()
        instance = self.instance(server)
        self.assertEqual((0, {server: 'healed'}), self.repair(server))
        instance.system_metadata['password_0'] = 'x'
        instance.save()
        self.assertNotEqual(before, self.metadata(server))
        self.assertIn(self.repair(server)[0], (0, 3))
        self.assertEqual('x', self.metadata(server)['password_0'])

    def test_two_at_once(self):
        """Both have read the server before one of them writes."""
        server, before = self.refused()

        def work():
            with self.in_cell(server) as cctxt:
                return heal.heal(cctxt, server, self.ask)

        with mock.patch.object(
                database, 'change', writers.together(database.change)), \
                mock.patch.object(
                    request_spec.LOG, 'info', autospec=True) as info:
            both = [writers.Beside(work), writers.Beside(work)]
            for each in both:
                self.assertTrue(each.result().written)
        info.assert_called_once()
        self.assert_healed(server, before)
        self.assertEqual((0, {}), self.states('check'))

    def test_two_at_once_and_one_key(self):
        server = self.create_server(base.A)
        before = self.metadata(server)
        self.change_metadata(server, **test_command.KEY_ALONE)

        def work():
            with self.in_cell(server) as cctxt:
                return heal.heal(cctxt, server, self.ask)

        with mock.patch.object(
                database, 'change', writers.together(database.change)):
            both = [writers.Beside(work), writers.Beside(work)]
            self.assertEqual([False, True], sorted(
                each.result().changed for each in both))
        self.assertEqual(before, self.metadata(server))
        with databases.connect(CELL) as connection:
            self.assertEqual(1, len(databases.execute(
                connection, 'SELECT id FROM instance_system_metadata'
                ' WHERE instance_uuid = %s AND `key` = %s', server, base.KEY)))

    def test_rebuild_begins(self):
        """It waits until the RequestSpec is written, and has the last word.

        These are nova-api's own first writes: in a thread, the harness lets
        no action into a cell that another thread is in.
        """
        server, _ = self.refused()

        def begin():
            with self.in_cell(server) as cctxt:
                instance = objects.Instance.get_by_uuid(cctxt, server)
                instance.image_ref = base.B
                instance.task_state = 'rebuilding'
                instance.save(expected_task_state=[None])
            spec = self.request_spec(server)
            spec.image = objects.ImageMeta.from_dict(self.images[base.B])
            spec.save()

        change_image = request_spec.change_image
        rebuilds = []

        def rebuild_begins(*args):
            rebuilds.append(writers.Beside(begin))
            databases.wait_for_lock()
            change_image(*args)

        with mock.patch.object(request_spec, 'change_image', rebuild_begins):
            self.assertEqual((3, {server: 'busy'}), self.repair(server))
        rebuild, = rebuilds
        rebuild.result()
        self.assertEqual(base.B, self.request_spec(server).image.id)
        self.assertEqual('rebuilding', self.instance(server).task_state)

    def test_deadlock(self):
        """Another one writes metadata and then the server's row."""
        server, before = self.refused()
        with self.one_deadlock(), self.transaction(CELL) as other:
            # With more rows than the repair, so that it is the one to go.
            databases.execute(
                other, 'UPDATE instance_system_metadata SET updated_at = NOW()'
                ' WHERE instance_uuid = %s', server)
            repair = writers.Beside(self.repair, server)
            databases.wait_for_lock()
            databases.execute(
                other, "UPDATE instances SET display_name = 'theirs'"
                ' WHERE uuid = %s', server)
        self.assertEqual((0, {server: 'healed'}), repair.result())
        self.assert_healed(server, before)
        self.assertEqual('theirs', self.instance(server).display_name)

    def test_deadlock_of_the_request_spec(self):
        """Another one has read the row, and writes it then."""
        server, before = self.refused()
        with self.one_deadlock(), self.transaction(databases.API) as other:
            databases.execute(other, 'UPDATE flavors SET updated_at = NOW()')
            databases.execute(
                other, 'SELECT id FROM request_specs WHERE instance_uuid = %s'
                ' LOCK IN SHARE MODE', server)
            repair = writers.Beside(self.repair, server)
            databases.wait_for_lock()
            databases.execute(
                other, 'UPDATE request_specs SET updated_at = NOW()'
                ' WHERE instance_uuid = %s', server)
        self.assertEqual((0, {server: 'healed'}), repair.result())
        self.assert_healed(server, before)

    def losing(self, name):
        """Patch so that a database is lost in the RequestSpec's change."""
        change_image, images = request_spec.change_image, request_spec.images

        def lose_and_read(*args):
            databases.kill_connections(name)
            return images(*args)

        def in_the_transaction(*args):
            with mock.patch.object(request_spec, 'images', lose_and_read):
                change_image(*args)

        return mock.patch.object(
            request_spec, 'change_image', in_the_transaction)

    def assert_finished_by_the_next(self, name):
        server, before = self.refused()
        with self.losing(name):
            status, found, summary = self.run_command(
                'repair', '--instance', server)
        self.assertEqual((255, ['cell1']),
                         (status, list(summary['cells_failed'])))
        self.assertEqual(before, {
            key: value for key, value in self.metadata(server).items()
            if key not in self.remembered(server)})
        # What was known of it then counts.
        self.images[base.A]['properties']['os_distro'] = 'edited'
        self.assertEqual((0, {server: 'healed'}), self.repair(server))
        self.assert_healed(server, before)
        self.assertEqual((0, {}), self.states('check'))

    def test_api_database_is_lost_in_between(self):
        self.assert_finished_by_the_next(databases.API)

    def test_cell_is_lost_in_between(self):
        """The RequestSpec is written then, and the journal not cleared."""
        self.assert_finished_by_the_next(CELL)


class ExtensionTest(databases.OnMariaDb, writers.Writers, base.TestCase):

    def test_compute_saves(self):
        server, before = self.refused()
        with self.compute_saves(
                server, {'image_hw_machine_type': 'pc-q35-7.2'}):
            snapshot = writers.Beside(self.snapshot, server)
            databases.wait_for_lock()
        properties = snapshot.result()['properties']
        self.assertEqual((base.A, 'pc-q35-7.2'), (
            properties['base_image_ref'], properties['hw_machine_type']))
        self.assert_healed(server, dict(
            before, image_hw_machine_type='pc-q35-7.2'))

    def test_two_services(self):
        """Each one's request goes on, with metadata that are right."""
        server = self.create_server(base.A)
        before = self.metadata(server)
        self.refuse_rebuild(server)
        instances = [self.instance(server) for _ in range(2)]

        def heals(instance):
            return api.API()._heal(instance._context, instance, 'snapshot')

        with mock.patch.object(
                database, 'change', writers.together(database.change)), \
                mock.patch.object(
                    request_spec.LOG, 'info', autospec=True) as info:
            both = [writers.Beside(heals, instance) for instance in instances]
            self.assertEqual([True] * 2, [each.result() for each in both])
        info.assert_called_once()
        for instance in instances:
            self.assertEqual(before, instance.system_metadata)
        self.assert_healed(server, before)


class CellsTest(databases.OnMariaDb, test_cells.TwoCells,
                test_command.CommandTestCase):
    """The command as operators run it, with cells that have addresses."""

    def setUp(self):
        super().setUp()
        self.directory = self.useFixture(fixtures.TempDir()).path
        self.config = os.path.join(self.directory, 'nova.conf')
        with open(self.config, 'w') as file:
            file.write('[DEFAULT]\ntransport_url = fake:/\n'
                       '[api_database]\nconnection = %s\n'
                       '[database]\nconnection = %s\n'
                       'max_retries = 1\nretry_interval = 1\n' % (
                           databases.url(databases.API), databases.url(CELL)))

    def run_process(self, addresses):
        """Return exit status and report of a repair.

        :param addresses: of the databases of cells, by their names
        """
        path = os.path.join(self.directory, 'report.json')
        with databases.connect(databases.API) as connection:
            names = dict(databases.execute(
                connection,
                'SELECT name, database_connection FROM cell_mappings'))

            def write(values):
                for name in names:
                    databases.execute(
                        connection, 'UPDATE cell_mappings SET'
                        ' database_connection = %s WHERE name = %s',
                        values[name], name)

            write(addresses)
            done = subprocess.run(
                [sys.executable, '-m', 'nova_snapshot_fix.cmd.main',
                 '--config-file', self.config, 'repair', '--report', path],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            # The harness knows its own names only.
            write(names)
        with open(path) as file:
            return done.returncode, json.load(file)

    def test_one_is_down(self):
        for server in self.near, self.far:
            self.change_metadata(server, **test_command.KEY_ALONE)
        up = {'cell%d' % number: databases.url(name)
              for number, name in enumerate(databases.CELLS)}
        down = dict(up, cell1=databases.url(
            CELL, portpicker.pick_unused_port()))
        for addresses, server, status, failed in (
                (down, self.far, 255, ['cell1']), (up, self.near, 0, [])):
            returned, report = self.run_process(addresses)
            self.assertEqual(
                (status, failed, [(server, 'healed')]),
                (returned, list(report['summary']['cells_failed']),
                 [(each['instance'], each['state'])
                  for each in report['instances']]))
            self.assertEqual(base.A, self.key(server))
            self.assertEqual(not failed, report['summary']['complete'])
