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


"""What the tests on Nova's own functional harness share.

They run against several releases of Nova, which name their helpers
differently, and so bring their own.
"""

# Before anything else of nova or oslo, since it patches eventlet.
from nova.tests import functional  # noqa: F401

import contextlib
import copy
import faulthandler
from importlib import metadata
import logging
import os
import sys
import time

import fixtures
from nova.compute import manager
from nova import context
from nova import objects
from nova.tests import fixtures as nova_fixtures
from nova.tests.functional.api import client
from nova.tests.functional import integrated_helpers
from nova.volume import cinder
from oslo_utils import uuidutils
import tenacity

from nova_snapshot_fix import known

KEY = known.KEY

STOCK_ROUTER = 'nova.api.openstack.compute:APIRouterV21.factory'
OUR_ROUTER = 'nova_snapshot_fix.api:APIRouterV21.factory'

#: Nova's major version: 20 is Train, 26 Zed, 34 2026.2.
RELEASE = int(metadata.version('nova').split('.')[0])

#: Rebuild records the base image from 21.2.1 and 22.0.0 on (bug 1893618), but
#: for a Nova that tools/run-tests.sh has taken this out of.
FIXED = RELEASE >= 22 and 'GLANCE_PROGRESS_UNFIXED_NOVA' not in os.environ

#: An image of Nova's fixtures, which its volumes were made from as well.
MODEL = '155d900f-4e14-4e4c-a73d-069cbf4541e6'

A = 'aaaaaaaa-0000-4000-8000-000000000000'
B = 'bbbbbbbb-0000-4000-8000-000000000000'
#: Needs a processor that the fake compute does not have.
REFUSED = 'cccccccc-0000-4000-8000-000000000000'

#: A volume of Nova's fixtures that is made from MODEL, and one from no image.
VOLUME = nova_fixtures.CinderFixture.IMAGE_BACKED_VOL
EMPTY_VOLUME = 'eeeeeeee-0000-4000-8000-000000000000'

#: Seconds after which a test that waits for a server gives up. Nothing is
#: said about speed here: a busy machine may take its time.
PATIENCE = 120

#: Seconds after which a test that hangs ends its process, and says where.
_HANGS = 900


def paste_file(directory, router):
    """Write Nova's api-paste.ini with *router*, return its path."""
    with open(os.path.join(sys.prefix, 'etc/nova/api-paste.ini')) as file:
        text = file.read()
    assert STOCK_ROUTER in text
    path = os.path.join(directory, 'api-paste.ini')
    with open(path, 'w') as file:
        file.write(text.replace(STOCK_ROUTER, router))
    return path


# It says that it has ended when the test's own handler of logs has gone.
logging.getLogger('nova.thread_pool_factory').setLevel(logging.WARNING)


_wrap_target_cell = nova_fixtures.CellDatabases._wrap_target_cell

_patiently = tenacity.Retrying(
    retry=tenacity.retry_if_exception_message(
        'Global DB state changed underneath us'),
    wait=tenacity.wait_random(max=0.1),
    stop=tenacity.stop_after_delay(PATIENCE), reraise=True)


@contextlib.contextmanager
def _target_cell(databases, ctxt, cell):
    """Enter a cell, again if another thread has just entered another one.

    Train's harness raises an error then, later ones try again, too.
    """
    with contextlib.ExitStack() as stack:
        yield _patiently(lambda: stack.enter_context(
            _wrap_target_cell(databases, ctxt, cell)))


if RELEASE == 20:
    nova_fixtures.CellDatabases._wrap_target_cell = _target_cell


class WithRouter:
    """Comes before a test case of Nova, whose API then has our router."""

    ROUTER = OUR_ROUTER

    def setUp(self):
        faulthandler.dump_traceback_later(
            _HANGS, exit=True, file=sys.__stderr__)
        self.addCleanup(faulthandler.cancel_dump_traceback_later)
        super().setUp()

    def _setup_services(self):
        directory = self.useFixture(fixtures.TempDir()).path
        self.flags(api_paste_config=paste_file(directory, self.ROUTER),
                   group='wsgi')
        super()._setup_services()


class Volumes(fixtures.Fixture):
    """What Nova's fixtures know too little of: the images of volumes.

    ``images`` has the image metadata of a volume, as Cinder shows them.

    :param glance: images by their ids
    """

    def __init__(self, glance):
        super().__init__()
        self._glance = glance
        self.images = {VOLUME: {'image_id': MODEL}}

    def write(self, volume_id, image_id):
        """Make a volume of an image, with its properties."""
        self.images[volume_id] = {
            **self._glance[image_id]['properties'], 'image_id': image_id}

    def _setUp(self):
        get = cinder.API.get

        def with_image(api, ctxt, volume_id, microversion=None):
            # A function or a mock, as the release has it.
            bound = get.__get__(api) if hasattr(get, '__get__') else get
            volume = dict(bound(ctxt, volume_id, microversion=microversion),
                          bootable=True, display_description='')
            volume.pop('volume_image_metadata', None)
            if volume_id in self.images:
                volume['volume_image_metadata'] = dict(self.images[volume_id])
            return volume

        def reimage(api, ctxt, volume_id, image_id, reimage_reserved=False):
            self.write(volume_id, image_id)

        snapshots = {}

        def create_snapshot(api, ctxt, volume_id, name, description):
            snapshot = {'id': uuidutils.generate_uuid(),
                        'volume_id': volume_id}
            snapshots[snapshot['id']] = snapshot
            return snapshot

        def create(api, ctxt, size, name, description, snapshot=None,
                   **more):
            volume_id = uuidutils.generate_uuid()
            origin = snapshot and snapshot['volume_id']
            if origin in self.images:
                self.images[volume_id] = dict(self.images[origin])
            return {'id': volume_id, 'status': 'available'}

        for name, replaced in (
                ('get', with_image), ('reimage_volume', reimage),
                ('create', create),
                ('create_snapshot_force', create_snapshot),
                ('get_snapshot', lambda api, ctxt, each: snapshots[each]),
                ('get_absolute_limits', lambda *args: {
                    'totalSnapshotsUsed': 0, 'maxTotalSnapshots': -1})):
            self.useFixture(fixtures.MockPatchObject(
                cinder.API, name, replaced, create=True))
        # Nobody says that the volume has been written anew.
        self.useFixture(fixtures.MockPatchObject(
            manager.ComputeVirtAPI, 'wait_for_instance_event'))


class TestCase(WithRouter, integrated_helpers._IntegratedTestBase):
    """Has a cloud with two computes and the images A, B and REFUSED."""

    ADMIN_API = True
    USE_NEUTRON = True
    api_major_version = 'v2.1'
    microversion = '2.38'

    def setUp(self):
        super().setUp()
        self.start_service('compute', host='host2')
        if not hasattr(self, 'cinder'):  # Train
            self.useFixture(nova_fixtures.CinderFixture(self))
        service = getattr(self, 'glance', None) or self.fake_image_service
        self.images = service.images
        self.volumes = self.useFixture(Volumes(self.images))
        self.add_image(A, hw_machine_type='pc', os_distro='a')
        self.add_image(B, os_version='b', os_type='windows')
        self.add_image(REFUSED, hw_architecture='unicore32', os_admin_user='c',
                       os_type='windows', auto_disk_config='True')

    def add_image(self, image_id, **properties):
        image = copy.deepcopy(self.images[MODEL])
        image.update(id=image_id, name=image_id[:4], properties=properties)
        self.images[image_id] = image

    # What users do.

    def create_server(self, image_id, **more):
        server = self.api.post_server({'server': {
            'name': 'server', 'imageRef': image_id, 'flavorRef': '1',
            'networks': 'none', **more}})
        self.wait_for(server['id'])
        return server['id']

    def create_volume_backed(self, volume=VOLUME, **more):
        server = self.api.post_server({'server': {
            'name': 'server', 'flavorRef': '1', 'networks': 'none',
            'block_device_mapping_v2': [{
                'boot_index': 0, 'uuid': volume,
                'source_type': 'volume', 'destination_type': 'volume'}],
            **more}})
        self.wait_for(server['id'])
        return server['id']

    def act(self, server_id, action, body=None, wait=True):
        """Return the response of an action, after its end."""
        response = self.api.api_post(
            '/servers/%s/action' % server_id, {action: body})
        if wait:
            self.wait_for(server_id)
        return response

    def snapshot(self, server_id, action='createImage', **body):
        """Return the image that a snapshot has made."""
        before = set(self.images)
        self.act(server_id, action, dict({'name': 'snapshot'}, **body))
        image_id, = set(self.images) - before
        image = self.images[image_id]
        for name in 'min_disk', 'min_ram':
            # Train's fixture keeps them as text, unlike Glance.
            image[name] = int(image.get(name) or 0)
        return image

    def backup(self, server_id):
        # The fixture ignores filters, so that rotation would delete others.
        return self.snapshot(server_id, 'createBackup', backup_type='daily',
                             rotation=1000)

    def refuse_rebuild(self, server_id, image_id=REFUSED):
        """Rebuild with an image that no host takes; leave it active."""
        try:
            self.act(server_id, 'rebuild', {'imageRef': image_id}, wait=False)
        except client.OpenStackApiException as exc:
            # The harness makes casts calls.
            self.assertEqual(500, exc.response.status_code)
        self.wait_for(server_id)
        self.assertEqual('ERROR', self.api.get_server(server_id)['status'])
        self.act(server_id, 'os-resetState', {'state': 'active'})

    def migrate(self, server_id):
        """Return why a cold migration failed, None if it did not."""
        try:
            self.act(server_id, 'migrate')
        except client.OpenStackApiException as exc:
            return str(exc)
        self.assertEqual(
            'VERIFY_RESIZE', self.api.get_server(server_id)['status'])
        self.act(server_id, 'confirmResize')
        return None

    def wait_for(self, server_id, pause=0.05):
        """Return the server once nothing is going on with it."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            server = self.api.get_server(server_id)
            if (server['OS-EXT-STS:task_state'] is None
                    and server['status'] != 'BUILD'):
                return server
            time.sleep(pause)
        self.fail('%s is still %s' % (server_id, server))

    # What is in the databases.

    def cell_of(self, server_id):
        return objects.InstanceMapping.get_by_instance_uuid(
            context.get_admin_context(), server_id).cell_mapping

    def instance(self, server_id):
        with context.target_cell(context.get_admin_context(),
                                 self.cell_of(server_id)) as cctxt:
            found = objects.Instance.get_by_uuid(
                cctxt, server_id,
                expected_attrs=['system_metadata', 'flavor'])
            found._context = copy.copy(cctxt)
            return found

    def metadata(self, server_id):
        return dict(self.instance(server_id).system_metadata)

    def forget(self, server_id):
        """Make it as if the extension had not been there at the rebuild."""
        self.change_metadata(
            server_id, **{key: None for key in self.remembered(server_id)})

    def image_metadata(self, server_id):
        return {key: value for key, value in self.metadata(server_id).items()
                if key.startswith('image_')}

    def remembered(self, server_id):
        return {key for key in self.metadata(server_id)
                if key.startswith('nova_snapshot_fix')}

    def key(self, server_id):
        return self.metadata(server_id).get(KEY)

    def rebuild(self, server_id):
        """Rebuild to B; that is what snapshots stem from, then."""
        self.act(server_id, 'rebuild', {'imageRef': B})
        self.assertEqual(B, self.key(server_id))
        self.assertEqual(
            B, self.snapshot(server_id)['properties']['base_image_ref'])

    def change_metadata(self, server_id, **changes):
        """Change system_metadata; None deletes a key."""
        instance = self.instance(server_id)
        for key, value in changes.items():
            if value is None:
                instance.system_metadata.pop(key, None)
            else:
                instance.system_metadata[key] = value
        instance.save()

    def request_spec(self, server_id):
        return objects.RequestSpec.get_by_instance_uuid(
            context.get_admin_context(), server_id)
