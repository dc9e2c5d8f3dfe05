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

"""A cloud with two cells."""

# Before anything else of nova or oslo.
from tests.nova import base

from unittest import mock

from oslo_db import exception as db_exception

from nova_snapshot_fix import database
from tests.nova import test_command

_CELL = 'cell' if base.RELEASE == 20 else 'cell_name'


class TwoCells:
    """Comes before a test case, whose servers are in two cells then."""

    NUMBER_OF_CELLS = 2

    def setUp(self):
        super().setUp()
        self.start_service('compute', host='far', **{_CELL: 'cell2'})
        self.near = self.create_server(base.A, availability_zone='nova:host2')
        self.far = self.create_server(base.A, availability_zone='nova:far')
        for server, cell in (self.near, 'cell1'), (self.far, 'cell2'):
            self.assertEqual(cell, self.cell_of(server).name)


class ExtensionTest(TwoCells, base.TestCase):

    def test_rebuild(self):
        for server in self.near, self.far:
            before = self.image_metadata(server)
            self.refuse_rebuild(server)
            self.assertEqual(
                base.A, self.snapshot(server)['properties']['base_image_ref'])
            self.assertEqual(before, self.image_metadata(server))
            self.rebuild(server)


class CommandTest(TwoCells, test_command.CommandTestCase):

    def test_each_cell(self):
        for server in self.near, self.far:
            self.change_metadata(server, **test_command.KEY_ALONE)
        both = {self.near: 'inconsistent', self.far: 'inconsistent'}
        self.assertEqual((2, both), self.states('check'))
        for cell, server in ('cell1', self.near), ('cell2', self.far):
            self.assertEqual((2, {server: 'inconsistent'}),
                             self.states('check', '--cell', cell))
            self.assertEqual((2, {server: 'inconsistent'}),
                             self.states('check', '--instance', server))
        self.assertEqual((0, {self.far: 'healed'}),
                         self.states('repair', '--cell', 'cell2'))
        self.assertEqual(
            [None, base.A], [self.key(self.near), self.key(self.far)])
        self.refuse_rebuild(self.far)
        self.assertEqual((0, {self.near: 'healed', self.far: 'healed'}),
                         self.states('repair'))
        for server in self.near, self.far:
            self.assertEqual(base.A, self.key(server))
            self.assertEqual(base.A, self.request_spec(server).image.id)
        self.assertEqual((0, {}), self.states('check'))

    def test_one_is_down(self):
        """It is said, the other one is done, and the exit status tells."""
        for server in self.near, self.far:
            self.change_metadata(server, **test_command.KEY_ALONE)
        rows = database.rows
        calls = []

        def down_once(*args):
            calls.append(args)
            if len(calls) == 2:  # after cell0
                raise db_exception.DBConnectionError('refused')
            return rows(*args)

        with mock.patch.object(database, 'rows', down_once):
            status, found, summary = self.run_command('repair')
        self.assertEqual(255, status)
        (server, each), = found.items()
        self.assertEqual('healed', each['state'])
        self.assertEqual(1, len(summary['cells_failed']))
        self.assertNotIn(each['cell'], summary['cells_failed'])
        self.assertFalse(summary['complete'])
        self.assertEqual(base.A, self.key(server))
        status, states = self.states('repair')
        self.assertEqual((0, ['healed']), (status, list(states.values())))
