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

"""Sequences of real actions that the table has judged wrongly."""

# Before anything else of nova or oslo.
from tests.nova import base

import contextlib
from unittest import mock

from nova.cmd import manage
from nova.compute import utils as compute_utils
from nova.conductor import manager
from nova import exception
from nova.virt import fake
import oslo_messaging

from tests.nova import test_command
from tests.nova import test_volume_backed


class Base:

    def set_property(self, server, **properties):
        """As the operator does, of a server that is stopped."""
        self.act(server, 'os-stop')
        self.assertEqual(0, manage.ImagePropertyCommands().set(
            server, ['%s=%s' % each for each in properties.items()]))


class ImageBackedTest(Base, base.TestCase):

    def refused(self):
        server = self.create_server(base.A)
        before = self.metadata(server)
        self.refuse_rebuild(server)
        return server, before

    def test_looked_at_before_the_conductor_has_finished_its_event(self):
        """Nova clears task_state first, and records the error then."""
        server = self.create_server(base.A)
        before = self.metadata(server)
        leave = compute_utils.EventReporter.__exit__
        looks = []

        def look_first(reporter, *args):
            if (reporter.event_name == 'rebuild_server'
                    and args[0] is not None and not looks):
                looks.append(True)
                # What people do with a server in ERROR.
                self.act(server, 'reboot', {'type': 'HARD'})
            return leave(reporter, *args)

        with mock.patch.object(
                compute_utils.EventReporter, '__exit__', look_first):
            with contextlib.suppress(base.client.OpenStackApiException):
                self.act(server, 'rebuild', {'imageRef': base.REFUSED},
                         wait=False)
            self.wait_for(server)
        self.assertEqual([True], looks)
        # What was recorded before is what comes back, not today's image.
        self.images[base.A]['properties']['os_distro'] = 'edited'
        self.snapshot(server)
        self.assertEqual(before, self.metadata(server))

    def test_scheduler_does_not_answer(self):
        """The conductor leaves image_ref as the API has set it."""
        server = self.create_server(base.A)
        before = self.metadata(server)
        with mock.patch.object(
                manager.ComputeTaskManager, '_schedule_instances',
                autospec=True, side_effect=oslo_messaging.MessagingTimeout):
            with contextlib.suppress(base.client.OpenStackApiException):
                self.act(server, 'rebuild', {'imageRef': base.B}, wait=False)
        self.act(server, 'os-resetState', {'state': 'active'})
        self.assertEqual(base.B, self.instance(server).image_ref)
        self.snapshot(server)
        self.assertEqual(base.A, self.instance(server).image_ref)
        self.assertEqual(before, self.metadata(server))
        self.assertEqual(base.A, self.request_spec(server).image.id)

    if base.RELEASE >= 26:
        def test_property_set_since_the_refusal(self):
            """It makes RequestSpec.image of the metadata, with image_ref."""
            server, before = self.refused()
            self.set_property(server, hw_disk_bus='scsi')
            self.act(server, 'os-start')
            metadata = self.metadata(server)
            self.assertEqual('scsi', metadata.pop('image_hw_disk_bus'))
            self.assertEqual(before, metadata)


class UnshelveFailsTest(test_command.CommandTestCase):

    def test_healed_before(self):
        server = self.create_server(base.A)
        self.refuse_rebuild(server)
        self.states('repair')
        self.act(server, 'shelve')
        if self.api.get_server(server)['status'] != 'SHELVED_OFFLOADED':
            self.act(server, 'shelveOffload')
        before = self.image_metadata(server)
        with mock.patch.object(fake.FakeDriver, 'spawn', autospec=True,
                               side_effect=exception.ImageUnacceptable(
                                   image_id='x', reason='told')):
            try:
                self.act(server, 'unshelve')
            except base.client.OpenStackApiException:
                pass
        self.wait_for(server)
        for image in self.images.values():
            # Train's fixture keeps them as text, unlike Glance.
            image['min_disk'] = int(image.get('min_disk') or 0)
            image['min_ram'] = int(image.get('min_ram') or 0)
        image_ref = self.instance(server).image_ref
        self.states('repair')
        self.assertEqual(before, self.image_metadata(server), image_ref)
        self.assertEqual(base.A, self.request_spec(server).image.id)
        # Up to Yoga Nova takes what it left there for the server's own image,
        # and deletes it.
        self.act(server, 'unshelve')
        self.assertEqual(base.RELEASE >= 26,
                         self.instance(server).image_ref == base.A)
        self.states('repair')
        self.assertEqual(before, self.image_metadata(server))
        self.assertEqual(base.A, self.request_spec(server).image.id)


if base.RELEASE >= 26:

    class VolumeBackedTest(
            Base, test_volume_backed.Servers, base.TestCase):

        def assert_stays(self, server):
            """What has been healed is right, and stays as it is."""
            before = self.state(server)
            self.refuse_rebuild(server)
            self.snapshot(server)
            self.assertEqual(before, self.state(server))
            self.snapshot(server)
            self.assertEqual(before, self.state(server))

        def test_from_snapshot(self):
            """Its RequestSpec names the snapshot, its volume another one."""
            self.assert_stays(self.from_snapshot())

        def test_with_image_ref(self):
            self.assert_stays(self.with_image_ref())

        def test_property_set_after_healing(self):
            """nova-manage puts image_ref into RequestSpec.image.id."""
            server = self.with_image_ref()
            self.act(server, 'rebuild', {'imageRef': base.B})
            self.assert_stays(server)
            self.set_property(server, hw_machine_type='q35')
            before = self.image_metadata(server)
            self.snapshot(server)
            self.assertEqual(before, self.image_metadata(server))

        def test_refused_with_the_image_of_image_ref(self):
            """The volume has none, so that Nova asks the scheduler."""
            server = self.with_image_ref()
            before = self.state(server)
            self.images[base.A]['properties'].update(
                hw_architecture='unicore32', os_distro='edited')
            self.refuse_rebuild(server, base.A)
            self.assertNotEqual(before, self.state(server))
            self.snapshot(server)
            self.assertEqual(before[0], self.image_metadata(server))
