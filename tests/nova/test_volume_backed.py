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


"""Servers whose root is a volume, as Nova decides it, whatever image_ref is.

Nova has rebuilt them with another image since microversion 2.93 (Zed).
"""

# Before anything else of nova or oslo.
from tests.nova import base

from unittest import mock

from nova.volume import cinder

from nova_snapshot_fix import api
from nova_snapshot_fix import judgement
from nova_snapshot_fix import request_spec
from tests.nova import test_command

ORIGIN = 'dddddddd-0000-4000-8000-000000000000'


class Servers:
    """Comes before a test case, and makes servers of every such kind."""

    microversion = '2.93' if base.RELEASE >= 26 else '2.38'

    def with_image_ref(self):
        """Return a server made with imageRef, and a volume to boot from."""
        server = self.create_volume_backed(base.EMPTY_VOLUME, imageRef=base.A)
        self.assertEqual(base.A, self.instance(server).image_ref)
        return server

    def from_snapshot(self):
        """Return a server made from a snapshot of a volume-backed one."""
        self.volumes.images[ORIGIN] = {'image_id': base.MODEL}
        origin = self.create_volume_backed(ORIGIN)
        snapshot = self.snapshot(origin)
        self.assertIn('block_device_mapping', snapshot['properties'])
        server = self.create_server(snapshot['id'])
        self.assertEqual(snapshot['id'], self.instance(server).image_ref)
        return server

    def state(self, server):
        """Return all that a rebuild changes of a server."""
        instance = self.instance(server)
        image = self.request_spec(server).image
        return (self.image_metadata(server),
                image.id if 'id' in image else None,
                request_spec.properties(image),
                instance.image_ref, instance.os_type, instance.architecture,
                instance.auto_disk_config)

    def assert_never_changed(self, look):
        """Servers that are right stay as they are, whatever is done."""
        servers = [self.with_image_ref(), self.create_volume_backed()]
        if base.RELEASE > 20:
            # Train's fixtures lack the calls by which it attaches a volume
            # that it has made from a snapshot.
            servers.append(self.from_snapshot())
        for server in servers:
            self.assert_unchanged(server, look)
            self.act(server, 'rebuild', {'imageRef': self.own_image(server)})
            self.assert_unchanged(server, look)
            if base.RELEASE >= 26:
                self.act(server, 'rebuild', {'imageRef': base.B})
                self.assertEqual(base.B, self.key(server))
                self.assert_unchanged(server, look)

    def own_image(self, server):
        volume = self.api.get_server(server)[
            'os-extended-volumes:volumes_attached'][0]['id']
        return self.volumes.images.setdefault(
            volume, {'image_id': base.MODEL})['image_id']

    def assert_unchanged(self, server, look):
        before = self.state(server)
        look(server)
        self.assertEqual(before, self.state(server))


class ExtensionTest(Servers, base.TestCase):

    def test_never_changed(self):
        def look(server):
            self.snapshot(server)
            self.assertEqual(set(), self.remembered(server))

        self.assert_never_changed(look)


class CommandTest(Servers, test_command.CommandTestCase):

    def test_never_changed(self):
        def look(server):
            self.assertEqual((0, {}), self.states('check'))
            self.assertEqual((0, {}), self.states('repair'))

        self.assert_never_changed(look)


if base.RELEASE >= 26:  # for the microversion

    class RefusedTest(Servers, base.TestCase):
        """With the extension: what was there comes back, whatever it was."""

        def assert_undone(self, server):
            before = self.state(server)
            self.refuse_rebuild(server)
            self.assertNotEqual(before, self.state(server))
            properties = self.snapshot(server)['properties']
            self.assertEqual(before, self.state(server))
            self.assertEqual(before[0].get(base.KEY),
                             properties['base_image_ref'])
            self.assertIsNone(self.migrate(server))

        def test_volume_with_image(self):
            self.assert_undone(self.create_volume_backed())

        def test_volume_without_image(self):
            self.assert_undone(self.create_volume_backed(base.EMPTY_VOLUME))

        def test_with_image_ref(self):
            self.assert_undone(self.with_image_ref())

        def test_from_snapshot(self):
            self.assert_undone(self.from_snapshot())

        def test_after_a_rebuild(self):
            server = self.create_volume_backed()
            self.act(server, 'rebuild', {'imageRef': base.B})
            self.assert_undone(server)

        def test_refused_by_the_compute(self):
            """A rebuild that got that far is Nova's to undo, and not ours."""
            server = self.create_volume_backed()
            with mock.patch.object(cinder.API, 'reimage_volume',
                                   autospec=True, side_effect=OSError('no')):
                self.refuse_rebuild(server, base.B)
            before = self.state(server)
            self.assertEqual(base.B, before[0][base.KEY])
            self.snapshot(server)
            self.assertEqual(before, self.state(server))

    class RefusedWithoutUsTest(Servers, test_command.CommandTestCase):
        """With the command: the volume's image metadata tell, from Cinder."""

        def assert_healed(self, server, key, requested=None):
            before = self.state(server)
            self.refuse_rebuild(server)
            self.assertEqual((2, {server: 'inconsistent'}),
                             self.states('check'))
            self.assertEqual((0, {server: 'healed'}), self.states('repair'))
            after = self.state(server)
            self.assertEqual(
                (dict(before[0], **{base.KEY: key}), requested, before[2]),
                after[:3])
            self.assertEqual(before[4:], after[4:])
            self.assertIsNone(self.migrate(server))
            self.assertEqual((0, {}), self.states('repair'))

        def test_volume_with_image(self):
            self.assert_healed(self.create_volume_backed(), base.MODEL)

        def test_volume_without_image(self):
            self.assert_healed(
                self.create_volume_backed(base.EMPTY_VOLUME), '')

        def test_no_answer(self):
            server = self.create_volume_backed()
            self.refuse_rebuild(server)
            before = self.state(server)
            self.ask.down = True
            status, found, _ = self.run_command('repair')
            self.assertEqual(
                (3, judgement.Row.NO_ANSWER.reason),
                (status, found[server]['reason']))
            self.assertEqual(before, self.state(server))
            self.ask.down = False
            self.assertEqual((0, {server: 'healed'}), self.states('repair'))

    class ExtensionGoneTest(Servers, test_command.CommandTestCase):

        ROUTER = base.OUR_ROUTER

        def test_refused(self):
            """What the extension remembered is what the command restores."""
            server = self.create_volume_backed()
            self.act(server, 'rebuild', {'imageRef': base.B})
            before = self.state(server)
            self.refuse_rebuild(server)
            self.ask.down = True
            self.assertEqual((0, {server: 'healed'}), self.states('repair'))
            self.assertEqual(before, self.state(server))
            self.ask.down = False
            self.assertEqual((0, {}), self.states('repair'))

        def test_migrated_when_half_is_written(self):
            """Migration and resize write the key, also where they fail."""
            server = self.create_volume_backed()
            self.act(server, 'rebuild', {'imageRef': base.B})
            before = self.state(server)
            self.refuse_rebuild(server)
            with mock.patch.object(request_spec, 'change_image',
                                   autospec=True, side_effect=OSError('no')):
                self.assertEqual(
                    (3, {server: 'failed'}), self.states('repair'))
            with mock.patch.object(api.API, '_heal', autospec=True,
                                   return_value=False):
                self.assertIsNotNone(self.migrate(server))
            self.assertEqual('', self.key(server))
            self.assertEqual((0, {server: 'healed'}), self.states('repair'))
            self.assertEqual('', self.key(server))
            self.change_metadata(server, **{base.KEY: base.B})
            self.assertEqual(before, self.state(server))
            self.assertEqual((0, {}), self.states('repair'))
