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


"""nova-snapshot-fix on the databases of Nova's harness."""

# Before anything else of nova or oslo.
from tests.nova import base

import copy
import json
import os
from unittest import mock

import fixtures
from nova_snapshot_fix.cmd import arguments
from nova_snapshot_fix.cmd import main
from nova_snapshot_fix import database
from nova_snapshot_fix import facts
from nova_snapshot_fix import known
from nova_snapshot_fix import request_spec

KEY_ALONE = {base.KEY: None}


class Ask:
    """Answers as Glance and Cinder do, from what Nova's fixtures know."""

    def __init__(self, images, volumes):
        self._images = images
        self._volumes = volumes
        self.asked = []
        self.down = False
        self.sees_all = True

    def image(self, image_id):
        self.asked.append(image_id)
        if self.down:
            return known.Unknown.NO_ANSWER
        if image_id not in self._images:
            return (known.Unknown.GONE if self.sees_all
                    else known.Unknown.NOT_SEEN)
        return facts.image(copy.deepcopy(self._images[image_id]))

    def volume(self, volume_id):
        if self.down:
            return known.Unknown.NO_ANSWER
        volume = {'size': 1}
        if volume_id in self._volumes:
            volume['volume_image_metadata'] = self._volumes[volume_id]
        return facts.image_of_volume(volume)


class CommandTestCase(base.TestCase):
    """Has a cloud without the extension, and the command."""

    ROUTER = base.STOCK_ROUTER

    def setUp(self):
        super().setUp()
        self.ask = Ask(self.images, self.volumes.images)
        self.report = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'report.json')

    def run_command(self, *argv):
        """Return exit status, findings by server, and the summary."""
        status = main.run(
            arguments.parse([*argv, '--report', self.report]), self.ask)
        with open(self.report) as file:
            report = json.load(file)
        return (status,
                {each['instance']: each for each in report['instances']},
                report['summary'])

    def states(self, *argv):
        status, found, _ = self.run_command(*argv)
        return status, {key: each['state'] for key, each in found.items()}

    def set_task_state(self, server, value):
        instance = self.instance(server)
        instance.task_state = value
        instance.save()


class CommandTest(CommandTestCase):

    def test_everything(self):
        right = self.create_server(base.A)
        self.assertEqual((0, {}), self.states('check'))

        missing = self.create_server(base.A)
        self.change_metadata(missing, **KEY_ALONE)
        refused = self.create_server(base.A)
        before = self.image_metadata(refused)
        self.refuse_rebuild(refused)
        busy = self.create_server(base.A)
        self.change_metadata(busy, **KEY_ALONE)
        self.set_task_state(busy, 'rebooting')
        spec_only = self.create_server(base.A)
        spec = self.request_spec(spec_only)
        spec.image.id = base.B
        spec.save()
        snapshot = self.snapshot(right)['id']
        origin = self.create_server(snapshot)
        origin_too = self.create_server(snapshot)

        expected = {missing: 'inconsistent', refused: 'inconsistent',
                    busy: 'busy', spec_only: 'inconsistent'}
        self.assertEqual((2, expected), self.states('check'))
        self.assertEqual({base.A, snapshot}, set(self.ask.asked))
        self.assertEqual((2, expected), self.states('repair', '--dry-run'))
        self.assertEqual((0, {}), self.states('check', '--instance', right))
        self.assertEqual((2, {missing: 'inconsistent'}),
                         self.states('check', '--instance', missing))
        self.assertEqual((0, {}), self.states('check', '--project', 'other'))
        self.assertEqual((2, expected), self.states('check', '--cell',
                                                    'cell1'))
        self.assertEqual((2, expected),
                         self.states('check', '--batch-size', '1'))
        self.assertIsNone(self.key(missing))

        status, found, summary = self.run_command('repair', '--max-count', '1')
        self.assertEqual((1, [missing]), (status, list(found)))
        self.assertFalse(summary['complete'])
        self.assertEqual((3, {refused: 'healed', busy: 'busy',
                              spec_only: 'healed'}), self.states('repair'))
        self.assertEqual(base.A, self.key(missing))
        self.assertEqual(before, self.image_metadata(refused))
        for server in refused, spec_only:
            self.assertEqual(base.A, self.request_spec(server).image.id)
        self.assertEqual(base.A, self.key(origin))
        self.assertIsNone(self.key(busy))
        self.set_task_state(busy, None)
        self.assertEqual((0, {busy: 'healed'}), self.states('repair'))
        self.assertEqual((0, {}), self.states('repair'))

        del self.images[snapshot]
        status, found, summary = self.run_command('check')
        self.assertEqual((0, {origin, origin_too}), (status, set(found)))
        self.assertEqual(
            {'instances': 7, 'complete': True, 'cells_failed': {},
             'inconsistent': 0, 'healed': 0, 'partial': 0, 'busy': 0,
             'unjudged': 2, 'failed': 0, 'remembered': 0}, summary)

        self.ask.down = True
        self.assertEqual((3, {origin: 'unjudged'}),
                         self.states('check', '--instance', origin))

    def test_nothing_to_say(self):
        """What stock Nova leaves after ordinary actions is no finding."""
        server = self.create_server(base.A)
        self.assertIsNone(self.migrate(server))
        self.assertEqual((0, {}), self.states('check'))
        # nova-manage image_property set
        self.change_metadata(server, image_hw_disk_bus='scsi')
        spec = self.request_spec(server)
        spec.image = self.instance(server).image_meta
        spec.image.id = base.A
        spec.save()
        self.assertEqual((0, {}), self.states('check'))
        for action, body in (
                ('shelve', None), ('unshelve', None),
                ('resize', {'flavorRef': '2'}), ('confirmResize', None),
                ('rebuild', {'imageRef': base.B})):
            self.act(server, action, body)
            expected = (0, {})
            if action == 'rebuild' and not base.FIXED:
                expected = (2, {server: 'inconsistent'})
            self.assertEqual(expected, self.states('check'), action)

    def refused(self):
        server = self.create_server(base.A)
        before = self.image_metadata(server)
        self.refuse_rebuild(server)
        return server, before

    def assert_undone(self, server, before):
        self.assertEqual(before, self.image_metadata(server))
        image = self.request_spec(server).image
        self.assertEqual(base.A, image.id)
        self.assertEqual('a', image.properties.os_distro)
        self.assertNotIn('hw_architecture', image.properties)
        self.assertEqual((0, {}), self.states('check'))

    def test_refused_then_migrated(self):
        """That Nova then writes the key is no reason to trust the rest."""
        server, before = self.refused()
        self.assertIsNotNone(self.migrate(server))
        self.assertEqual(base.A if base.FIXED else None, self.key(server))
        # As the libvirt driver does when its service is started.
        self.change_metadata(server, image_hw_disk_bus='virtio')
        self.assertEqual((2, {server: 'inconsistent'}), self.states('check'))
        self.assertEqual((0, {server: 'healed'}), self.states('repair'))
        # What is of the guest, and of no image, stays.
        self.assert_undone(server, dict(before, image_hw_disk_bus='virtio'))

    def test_refused_and_no_answer(self):
        server, before = self.refused()
        refused = self.metadata(server)
        self.ask.down = True
        self.assertEqual((3, {server: 'unjudged'}), self.states('repair'))
        self.ask.down = False
        image = self.images.pop(base.A)
        self.ask.sees_all = False
        self.assertEqual((3, {server: 'unjudged'}), self.states('repair'))
        self.images[base.A] = image
        self.assertEqual(refused, self.metadata(server))
        self.assertEqual(base.REFUSED, self.request_spec(server).image.id)
        self.assertEqual((0, {server: 'healed'}), self.states('repair'))
        self.assert_undone(server, before)

    def test_refused_and_image_gone(self):
        """The key is all that can be told, for as long as it is gone."""
        server, before = self.refused()
        image = self.images.pop(base.A)
        for command in 'check', 'repair', 'repair', 'check':
            self.assertEqual((3, {server: 'partial'}), self.states(command))
        metadata = self.image_metadata(server)
        self.assertEqual((base.A, 'c'), (
            metadata[base.KEY], metadata['image_os_admin_user']))
        self.assertEqual(base.REFUSED, self.request_spec(server).image.id)
        self.images[base.A] = image
        self.assertEqual((0, {server: 'healed'}), self.states('repair'))
        self.assert_undone(server, before)

    def test_refused_then_rebuilt(self):
        """Nova does not change the RequestSpec for the server's own image."""
        server, before = self.refused()
        self.act(server, 'rebuild', {'imageRef': base.A})
        self.assertEqual(base.REFUSED, self.request_spec(server).image.id)
        self.images[base.A]['properties']['os_distro'] = 'edited'
        with mock.patch.object(
                request_spec.LOG, 'info', autospec=True) as info:
            self.assertEqual((0, {server: 'healed'}), self.states('repair'))
        info.assert_called_once()
        self.assert_undone(server, before)
        self.assertEqual([], self.ask.asked)

    def test_capitals(self):
        """Of an image and a server that users have written in capitals."""
        server = self.create_server(base.A)
        instance = self.instance(server)
        instance.image_ref = base.A.upper()
        instance.save()
        self.assertEqual((0, {}), self.states('check'))
        self.assertEqual((0, {}), self.states('repair'))

    def test_between_look_and_repair(self):
        """Somebody else is quicker: nothing is lost, nothing is an error."""
        server = self.create_server(base.A)
        self.change_metadata(server, **KEY_ALONE)
        change = database.change

        def other_first(*args):
            self.change_metadata(
                server, **{base.KEY: base.A, 'image_os_distro': 'theirs'})
            return change(*args)

        with mock.patch.object(database, 'change', other_first):
            self.states('repair')
        self.assertEqual('theirs', self.metadata(server)['image_os_distro'])
        self.assertEqual(base.A, self.key(server))

        self.change_metadata(server, **KEY_ALONE)

        def begins_an_action(*args):
            self.set_task_state(server, 'rebooting')
            return change(*args)

        with mock.patch.object(database, 'change', begins_an_action):
            self.assertEqual((3, {server: 'busy'}), self.states('repair'))
        self.set_task_state(server, None)

        with mock.patch.object(
                database, 'change', autospec=True, side_effect=OSError('no')):
            status, found, _ = self.run_command('repair')
        self.assertEqual((3, 'failed', 'no'), (
            status, found[server]['state'], found[server]['reason']))

    def test_interrupted(self):
        server = self.create_server(base.A)
        self.change_metadata(server, **KEY_ALONE)
        with mock.patch.object(
                database, 'change', autospec=True, side_effect=SystemExit(2)):
            self.assertRaises(SystemExit, self.states, 'repair')
        with open(self.report) as file:
            self.assertFalse(json.load(file)['summary']['complete'])
        self.assertEqual((0, {server: 'healed'}), self.states('repair'))

    def test_wrong_usage(self):
        self.assertEqual(127, self.states('check', '--cell', 'nowhere')[0])
        self.assertEqual(
            127, self.states('check', '--instance', base.A)[0])
        server = self.create_server(base.A)
        self.assertEqual(127, self.states(
            'check', '--instance', server, '--project', 'other')[0])
        self.instance(server).destroy()
        self.assertEqual(127, self.states('check', '--instance', server)[0])
        for argv in ((), ('check', '--instance', 'x'),
                     ('check', '--max-count', '0'),
                     ('check', '--dry-run'),
                     ('repair', '--cell', 'x', '--instance', base.A)):
            exc = self.assertRaises(SystemExit, arguments.parse, argv)
            self.assertEqual(127, exc.code)

    def test_no_credentials(self):
        """That is no answer, and is said before anything is written."""
        self.create_server(base.A)
        self.assertEqual(0, main.run(arguments.parse(['check'])))
        server, _ = self.refused()
        refused = self.metadata(server)
        for command in 'check', 'repair':
            self.assertEqual(255, main.run(arguments.parse([command])))
        self.assertEqual(refused, self.metadata(server))
