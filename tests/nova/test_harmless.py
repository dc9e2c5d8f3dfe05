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


"""What healthy servers look like, and what nobody may do to them."""

# Before anything else of nova or oslo.
from tests.nova import base

from unittest import mock

from nova import objects
from nova.tests import fixtures as nova_fixtures
from nova.virt import fake

from nova_snapshot_fix import database
from nova_snapshot_fix import judgement
from tests.nova import test_command


class Healthy:
    """Comes before a test case that looks at servers by assert_unchanged."""

    def rebuilt_before_the_cve_was_fixed(self):
        """Return a server whose RequestSpec is that of its first image.

        Rebuild has changed it since the fix of CVE-2017-16239.
        """
        server = self.create_server(base.A)
        with mock.patch.object(objects.RequestSpec, 'save', autospec=True):
            self.act(server, 'rebuild', {'imageRef': base.B})
        if not base.FIXED:
            self.change_metadata(server, **{base.KEY: base.B})
        # As the libvirt driver does when it spawns a guest.
        self.change_metadata(server, image_hw_machine_type='pc-i440fx-6.2')
        self.images[base.B]['properties'].update(
            os_version='edited', hw_disk_bus='scsi')
        self.assertEqual(base.A, self.request_spec(server).image.id)
        return server

    def test_stale_request_spec(self):
        server = self.rebuilt_before_the_cve_was_fixed()
        before = self.image_metadata(server)
        self.look_at(server)
        self.assertEqual(before, self.image_metadata(server))
        image = self.request_spec(server).image
        self.assertEqual((base.B, 'pc-i440fx-6.2'), (
            image.id, str(image.properties.hw_machine_type)))

    def test_origin_of_a_snapshot_unset(self):
        """Its owner may do that; nobody knows then what A was."""
        snapshot = self.snapshot(self.create_server(base.A))['id']
        server = self.create_server(snapshot)
        del self.images[snapshot]['properties']['base_image_ref']
        self.images[snapshot]['properties']['os_distro'] = 'edited'
        self.assert_unchanged(server)
        objects.RequestSpec.get_by_instance_uuid(
            self.instance(server)._context, server).destroy()
        self.assert_unchanged(server)

    def assert_unchanged(self, server):
        before = self.metadata(server)
        self.look_at(server)
        self.assertEqual(before, self.metadata(server))


class CommandTest(Healthy, test_command.CommandTestCase):

    def look_at(self, server):
        self.assertIn(self.states('repair')[0], (0, 3))

    def test_origin_is_said(self):
        snapshot = self.snapshot(self.create_server(base.A))['id']
        server = self.create_server(snapshot)
        del self.images[snapshot]['properties']['base_image_ref']
        for command in 'check', 'repair':
            status, found, _ = self.run_command(command)
            self.assertEqual(
                (0, 'unjudged', judgement.Row.UNEXPLAINED.reason),
                (status, found[server]['state'], found[server]['reason']))

    def test_registered_since(self):
        """What a driver registers after a refusal is of the guest."""
        server = self.create_server(base.A)
        before = self.metadata(server)
        self.refuse_rebuild(server)
        registered = {'image_hw_machine_type': 'pc-q35-7.2',
                      'image_hw_vif_model': 'virtio'}
        self.change_metadata(server, **registered)
        self.assertEqual((0, {server: 'healed'}), self.states('repair'))
        self.assertEqual(dict(before, **registered), self.metadata(server))

    def test_hidden(self):
        """A cross-cell resize hides the copy that does not count."""
        server = self.create_server(base.A)
        self.change_metadata(server, **test_command.KEY_ALONE)
        instance = self.instance(server)
        instance.hidden = True
        instance.save()
        self.assertEqual((0, {}), self.states('repair'))
        self.assertIsNone(self.key(server))

    def test_rebuild_between_two_reads(self):
        """Nothing is judged by halves of two states."""
        server = self.create_server(base.A)
        self.change_metadata(server, **test_command.KEY_ALONE)
        histories = database.histories
        todo = [True]

        def begin_first(context, uuids):
            if todo:
                todo.pop()
                instance = objects.Instance.get_by_uuid(
                    context, server, expected_attrs=['system_metadata'])
                instance.system_metadata[base.KEY] = base.B
                instance.task_state = 'rebuilding'
                instance.save()
            return histories(context, uuids)

        with mock.patch.object(database, 'histories', begin_first):
            self.assertEqual((3, {server: 'busy'}), self.states('check'))
        self.assertEqual([], todo)


class ExtensionTest(Healthy, base.TestCase):

    def look_at(self, server):
        self.snapshot(server)

    def refused(self):
        server = self.create_server(base.A)
        before = self.metadata(server)
        self.refuse_rebuild(server)
        return server, before

    def assert_healed_by(self, action, body=None):
        server, before = self.refused()
        self.act(server, action, body)
        self.assertEqual(before, self.metadata(server))

    def test_hard_reboot(self):
        self.assert_healed_by('reboot', {'type': 'HARD'})

    def test_hard_reboot_in_error(self):
        """What people do first when a rebuild has failed."""
        server, before = self.refused()
        self.act(server, 'os-resetState', {'state': 'error'})
        self.act(server, 'reboot', {'type': 'HARD'})
        self.assertEqual(before, self.metadata(server))

    def test_soft_reboot(self):
        self.assert_healed_by('reboot', {'type': 'SOFT'})

    def test_start(self):
        server, before = self.refused()
        self.act(server, 'os-stop')
        self.act(server, 'os-start')
        self.assertEqual(before, self.metadata(server))

    def test_resume(self):
        server, before = self.refused()
        self.act(server, 'suspend')
        self.act(server, 'resume')
        self.assertEqual(before, self.metadata(server))

    def test_rescue(self):
        server, before = self.refused()
        with mock.patch.object(
                fake.FakeDriver, 'rescue', autospec=True) as rescue:
            self.act(server, 'rescue', {})
        image, = (each for each in rescue.call_args[0]
                  if isinstance(each, objects.ImageMeta))
        self.assertEqual(base.A, image.id)
        self.assertEqual(before, self.metadata(server))

    def test_attach_volume(self):
        server, before = self.refused()
        self.api.api_post('/servers/%s/os-volume_attachments' % server, {
            'volumeAttachment': {'volumeId': base.EMPTY_VOLUME}})
        self.assertEqual(before, self.metadata(server))

    def test_attach_interface(self):
        server, before = self.refused()
        self.api.attach_interface(server, {'interfaceAttachment': {
            'net_id': nova_fixtures.NeutronFixture.network_1['id']}})
        self.assertEqual(before, self.metadata(server))

    def test_set_admin_password(self):
        server, before = self.refused()
        try:
            self.act(server, 'changePassword', {'adminPass': 'x'})
        except base.client.OpenStackApiException:
            pass  # some fake drivers have none to set
        self.assertEqual(before, self.metadata(server))
