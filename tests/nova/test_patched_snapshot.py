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


"""Nova's snapshots of disks in Ceph, with the patches of patches/nova/.

libvirt's driver and the image service are Nova's own. The guest, its disk and
Glance are models, which write down what is done to them and in which order: a
disk in Ceph that is read while a guest writes to it cannot be seen otherwise.
"""

# Before anything else of nova or oslo.
from tests.nova import base

import io
import os
from unittest import mock

import fixtures
import glanceclient.exc
from glanceclient.v2 import images
from nova.compute import power_state
from nova import exception
from nova.image import glance
from nova import test
from nova.tests.unit.image import test_glance
from nova.tests.unit.virt.libvirt import test_driver
from nova.virt.libvirt import driver as libvirt_driver
from nova.virt.libvirt import utils as libvirt_utils

if base.RELEASE == 20:
    from nova.image import api as image_api
else:
    image_api = glance

IMAGE = '5d1f8a34-2c55-4f0a-8d1d-7c9e0f6b2e21'
CLONE = 'rbd://fsid/images/%s/snap' % IMAGE
DATA = b'what the disk has in it'

#: How Glance refuses a location: without show_multiple_locations, of a store
#: that it does not know, and while it does something else with the image.
REFUSALS = (
    glanceclient.exc.HTTPForbidden(
        details="It's not allowed to add locations if locations are "
                'invisible.'),
    glanceclient.exc.HTTPBadRequest(details='Invalid location'),
    glanceclient.exc.HTTPConflict(details='prior operation in progress'),
)


class Guest:
    """A server, which either runs or does not."""

    def __init__(self, events, state):
        self.events = events
        self.state = state
        self._domain = self

    def get_power_state(self, host):
        return self.state

    def get_block_device(self, path):
        return mock.Mock()

    def suspend(self, *args):
        assert self.state == power_state.RUNNING
        self.state = power_state.SHUTDOWN
        self.events.append('suspend')

    def launch(self, *args, **kwargs):
        assert self.state == power_state.SHUTDOWN, 'it runs already'
        self.state = power_state.RUNNING
        self.events.append('resume')


class Disk:
    """The disk of a server in Ceph."""

    def __init__(self, events, guest):
        self.events = events
        self.guest = guest

    def direct_snapshot(self, *args):
        self.events.append('clone')
        return CLONE

    def cleanup_direct_snapshot(self, location, also_destroy_volume=False,
                                ignore_errors=False):
        if location:
            assert (location['url'], also_destroy_volume) == (CLONE, True)
            self.events.append('remove')

    def snapshot_extract(self, path, image_format):
        running = self.guest.state == power_state.RUNNING
        self.events.append('torn read' if running else 'read')
        with open(path, 'wb') as file:
            file.write(DATA)


class Glance:
    """Stands for glanceclient: an image that is queued, until it is not."""

    def __init__(self, events, refusal=None):
        self.events = events
        self.refusal = refusal
        self.status = 'queued'
        self.data = None
        self.told = None

    def __call__(self, *args, **kwargs):  # as the class is called
        return self

    def call(self, context, version, method, **named):
        return getattr(self, method)(
            *named.get('args', ()), **named.get('kwargs', {}))

    def get(self, *args, **kwargs):
        return {'id': IMAGE, 'name': 'snapshot', 'status': self.status}

    def update(self, image_id, **properties):
        return self.get()

    def add_location(self, image_id, location, metadata):
        if self.refusal is not None:
            self.events.append('refuse')
            raise self.refusal
        self.events.append('register')
        self.status = 'active'
        return self.get()

    add_image_location = add_location

    def upload(self, *args, **kwargs):
        self.events.append('upload')
        images.Controller(self, mock.Mock()).upload(*args, **kwargs)
        self.status = 'active'

    def put(self, url, headers, data):
        """What glanceclient would send."""
        self.data = data.read() if data else b''
        self.told = headers.get('x-openstack-image-size')
        return mock.MagicMock(), mock.Mock()


class TestCase(test.NoDBTestCase):

    def patch(self, name, value):
        self.useFixture(fixtures.MonkeyPatch(name, value))

    def snapshot(self, live, refusal=None, state=power_state.RUNNING):
        """Take a snapshot and return what was done, guest and Glance."""
        directory = self.useFixture(fixtures.TempDir()).path
        self.flags(images_type='rbd', snapshots_directory=directory,
                   group='libvirt')
        self.flags(disable_libvirt_livesnapshot=not live, group='workarounds')
        events = []
        guest = Guest(events, state)
        model = Glance(events, refusal)
        self.patch('nova.image.glance.GlanceClientWrapper', model)
        self.patch('nova.image.glance._translate_from_glance',
                   lambda image, **kwargs: image)
        self.patch('nova.virt.libvirt.utils.find_disk',
                   lambda guest: ('rbd:vms/disk', 'raw'))
        self.assertEqual(
            'rbd', libvirt_utils.get_disk_type_from_path('rbd:vms/disk'))

        driver = libvirt_driver.LibvirtDriver.__new__(
            libvirt_driver.LibvirtDriver)
        driver._host = mock.Mock()
        driver._host.get_guest.return_value = guest
        driver._image_api = image_api.API()
        driver.image_backend = mock.Mock()
        driver.image_backend.by_libvirt_path.return_value = Disk(events, guest)
        driver.cpu_api = mock.Mock()
        driver.suspend = guest.suspend
        driver._create_domain = guest.launch  # Train's way to resume
        driver._attach_pci_devices = mock.Mock()
        driver._attach_direct_passthrough_ports = mock.Mock()
        instance = mock.MagicMock(uuid=IMAGE, pci_devices=None)
        try:
            driver.snapshot(mock.Mock(), instance, IMAGE, mock.Mock())
        finally:
            # Whatever comes of it, the server is as it was.
            self.assertEqual(state, guest.state)
            self.events, self.glance = events, model
        return events

    def check_uploaded(self):
        self.assertEqual(('active', DATA),
                         (self.glance.status, self.glance.data))
        if base.RELEASE >= 26:  # those with the patch for it
            self.assertEqual(str(len(DATA)), self.glance.told)


class UpstreamSnapshotTest(test_driver.LibvirtSnapshotTests):
    pass


class UpstreamUpdateTest(test_glance.TestUpdate):
    pass


class UpstreamCreateTest(test_glance.TestCreate):
    pass


class AcceptedTest(TestCase):

    def check(self, *expected, **how):
        self.assertEqual(list(expected), self.snapshot(**how))
        self.assertEqual(('active', None),
                         (self.glance.status, self.glance.data))

    def test_live(self):
        self.check('clone', 'register', live=True)

    def test_cold(self):
        self.check('suspend', 'clone', 'resume', 'register', live=False)

    def test_shut_down(self):
        self.check('clone', 'register', live=True,
                   state=power_state.SHUTDOWN)


class RefusedTest(TestCase):
    """The disk is uploaded, and never read while the server runs."""

    def check(self, *expected, **how):
        for refusal in REFUSALS:
            with self.subTest(refusal.code):
                self.assertEqual(list(expected),
                                 self.snapshot(refusal=refusal, **how))
                self.check_uploaded()
                self.assertIn(refusal.details, self.stdlog.logger.output)

    def test_live(self):
        self.check('clone', 'refuse', 'remove', 'suspend', 'read', 'resume',
                   'upload', live=True)

    def test_cold(self):
        self.check('suspend', 'clone', 'resume', 'refuse', 'remove',
                   'suspend', 'read', 'resume', 'upload', live=False)

    def test_shut_down(self):
        self.check('clone', 'refuse', 'remove', 'read', 'upload', live=True,
                   state=power_state.SHUTDOWN)

    def test_clone_is_refused(self):
        """As before: the guest is still suspended, and so it stays."""
        self.useFixture(fixtures.MockPatchObject(
            Disk, 'direct_snapshot', side_effect=exception.Forbidden()))
        self.assertEqual(['suspend', 'read', 'resume', 'upload'],
                         self.snapshot(live=False))
        self.check_uploaded()

    def test_other_trouble(self):
        """What the upload would meet as well ends the snapshot, as before."""
        errors = glanceclient.exc
        for trouble, expected in (
            (errors.HTTPUnauthorized(), exception.ImageNotAuthorized),
            (errors.HTTPNotFound(), exception.ImageNotFound),
            (errors.HTTPInternalServerError(), errors.HTTPException),
        ):
            with self.subTest(trouble.code):
                self.assertRaises(expected, self.snapshot, live=True,
                                  refusal=trouble)
                self.assertEqual(['clone', 'refuse', 'remove'], self.events)
                self.assertEqual('queued', self.glance.status)


class SizeTest(TestCase):
    """What is uploaded has its size told, where it has one."""

    def upload(self, data):
        model = Glance([])
        self.patch('nova.image.glance.GlanceClientWrapper', model)
        service = glance.GlanceImageServiceV2()
        service._upload_data(mock.Mock(), IMAGE, data)
        return model

    def test_file(self):
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'disk')
        with open(path, 'wb') as file:
            file.write(DATA)
        for begun in 0, 3:
            told = str(len(DATA) - begun) if base.RELEASE >= 26 else None
            with open(path, 'rb') as file:
                file.seek(begun)
                model = self.upload(file)
            self.assertEqual((told, DATA[begun:]), (model.told, model.data))

    def test_no_file(self):
        """Nova uploads nothing for the image of a volume-backed server."""
        self.assertIsNone(self.upload('').told)
        self.assertIsNone(self.upload(io.BytesIO(DATA)).told)

    def test_pipe(self):
        source, sink = os.pipe()
        os.write(sink, DATA)
        os.close(sink)
        with open(source, 'rb') as file:
            model = self.upload(file)
        self.assertEqual((None, DATA), (model.told, model.data))
