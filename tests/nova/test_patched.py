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


"""Nova with the patches of patches/nova/, with and without our router."""

# Before anything else of nova or oslo.
from tests.nova import base

import contextlib
from importlib import metadata
from importlib import util
import pathlib
import shutil
from unittest import mock

import fixtures
import nova
from nova.compute import api as compute
from nova.conductor import manager as conductor
from nova import notifications
from nova.objects import base as objects_base
from nova.tests import fixtures as nova_fixtures
from nova.tests.functional import test_servers

from patches import apply
from patches.patching import rewriting
from patches.patching import series

#: What a rebuild takes from the image, besides system_metadata
COLUMNS = ('architecture', 'auto_disk_config', 'image_ref', 'kernel_id',
           'os_type', 'ramdisk_id', 'vm_mode')

VOLUME_OF_MODEL = nova_fixtures.CinderFixture.IMAGE_BACKED_VOL
#: The fixture has no image metadata of it.
PLAIN_VOLUME = 'dddddddd-0000-4000-8000-000000000000'


class TestCase(base.TestCase):

    def as_released(self, module):
        """Return what *module* of Nova was before it was patched."""
        site_packages = pathlib.Path(nova.__file__).parents[1]
        tree = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        for name in {name for patch in series.PATCHES.glob('nova/*/*.patch')
                     for name in rewriting.files(patch)}:
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(site_packages / name, tree / name)
        (tree / 'PKG-INFO').write_text(
            metadata.distribution('nova').read_text('METADATA'))
        self.assertEqual(0, apply.main(['reverse', str(tree)]))
        spec = util.spec_from_file_location(
            'released', tree / pathlib.Path(module.__file__).relative_to(
                site_packages))
        released = util.module_from_spec(spec)
        spec.loader.exec_module(released)
        return released

    def unpatch_api(self):
        self.useFixture(fixtures.MonkeyPatch(
            'nova.compute.api.API.rebuild',
            self.as_released(compute).API.rebuild))

    def unpatch_conductor(self):
        self.useFixture(fixtures.MonkeyPatch(
            'nova.conductor.manager.ComputeTaskManager.rebuild_instance',
            self.as_released(conductor).ComputeTaskManager.rebuild_instance))

    def create_on_volume(self, volume, **more):
        server = self.api.post_server({'server': {
            'name': 'server', 'flavorRef': '1', 'networks': 'none',
            'block_device_mapping_v2': [{
                'boot_index': 0, 'uuid': volume, 'source_type': 'volume',
                'destination_type': 'volume'}], **more}})
        self.wait_for(server['id'])
        return server['id']

    def state(self, server):
        """Return all that Nova records of the image of a server."""
        instance = self.instance(server)
        image = self.request_spec(server).image
        return {'metadata': self.image_metadata(server),
                'request': image and objects_base.obj_to_primitive(image),
                **{name: getattr(instance, name) for name in COLUMNS}}

    def assert_undone(self, server):
        """Have a rebuild refused; the server is as it was, and migrates."""
        before = self.state(server)
        self.refuse_rebuild(server)
        self.assertEqual(before, self.state(server))
        self.refuse_rebuild(server)
        self.assertEqual(before, self.state(server))
        self.assertIsNone(self.migrate(server))


class UpstreamTest(base.WithRouter, test_servers.ServerRebuildTestCase):
    ROUTER = base.STOCK_ROUTER


class StockRouterTest(TestCase):

    ROUTER = base.STOCK_ROUTER

    def test_rebuild(self):
        server = self.create_server(base.A)
        with mock.patch.object(notifications, 'image_meta', autospec=True,
                               side_effect=notifications.image_meta) as told:
            self.rebuild(server)
        self.assertEqual(base.B, self.request_spec(server).image.id)
        # What the API tells the conductor goes to nova-compute as well, where
        # it is passed to this one, and no further.
        passed = [call[0][0] for call in told.call_args_list]
        self.assertIn('undo_rebuild', {key for each in passed for key in each})
        for each in passed:
            self.assertNotIn('undo_rebuild', notifications.image_meta(each))
        self.assertNotIn('undo_rebuild', self.metadata(server))

    def test_refused_rebuild(self):
        server = self.create_server(base.A)
        self.assert_undone(server)
        self.assertNotIn('os_admin_user', self.snapshot(server)['properties'])

    def test_refused_rebuild_of_other_disk_config(self):
        """Not only what the image says is put back, but what the user did."""
        server = self.create_server(
            base.A, **{'OS-DCF:diskConfig': 'AUTO'})
        self.assertTrue(self.instance(server).auto_disk_config)
        self.images[base.REFUSED]['properties']['auto_disk_config'] = 'False'
        self.assert_undone(server)

    def test_request_without_image(self):
        server = self.create_server(base.A)
        spec = self.request_spec(server)
        spec.image = None
        spec.save()
        before = self.state(server)
        self.refuse_rebuild(server)
        self.assertEqual(before, self.state(server))
        self.assertIsNone(before['request'])

    def test_api_not_yet_patched(self):
        self.unpatch_api()
        server = self.create_server(base.A)
        before = self.state(server)
        self.refuse_rebuild(server)
        after = self.state(server)
        for name in 'metadata', 'image_ref':
            self.assertEqual(before[name], after[name])
        self.assertEqual(base.A, self.request_spec(server).image.id)
        self.assertIsNone(self.migrate(server))

    def test_conductor_not_yet_patched(self):
        self.unpatch_conductor()
        server = self.create_server(base.A)
        self.refuse_rebuild(server)
        self.assertEqual(base.A, self.instance(server).image_ref)
        self.assertEqual(base.REFUSED, self.request_spec(server).image.id)
        self.rebuild(server)
        self.assertEqual(base.B, self.request_spec(server).image.id)


if base.RELEASE >= 26:  # for the microversion
    class UpstreamV293Test(
            base.WithRouter, test_servers.ServerRebuildTestCaseV293):
        ROUTER = base.STOCK_ROUTER

    class VolumeBackedTest(TestCase):

        ROUTER = base.STOCK_ROUTER
        microversion = '2.93'

        def rebuild_on_volume(self, server):
            # Nobody says that Cinder has written the volume.
            with fixtures.MonkeyPatch(
                    'nova.compute.manager.ComputeVirtAPI.'
                    'wait_for_instance_event',
                    lambda *args, **kwargs: contextlib.nullcontext()):
                self.act(server, 'rebuild', {'imageRef': base.B})
            self.assertEqual(base.B, self.key(server))

        def test_refused_rebuild(self):
            server = self.create_on_volume(VOLUME_OF_MODEL)
            self.assertEqual('', self.instance(server).image_ref)
            self.assertNotIn('id', self.request_spec(server).image)
            self.assert_undone(server)

        def test_refused_rebuild_with_image_ref(self):
            server = self.create_on_volume(VOLUME_OF_MODEL, imageRef=base.A)
            self.assertEqual(base.A, self.instance(server).image_ref)
            self.assert_undone(server)

        def test_refused_rebuild_with_no_image_in_volume(self):
            self.assert_undone(self.create_on_volume(PLAIN_VOLUME))

        def test_refused_rebuild_with_image_ref_alone(self):
            self.assert_undone(
                self.create_on_volume(PLAIN_VOLUME, imageRef=base.A))

        def test_refused_rebuild_after_another(self):
            server = self.create_on_volume(VOLUME_OF_MODEL)
            self.rebuild_on_volume(server)
            self.assertEqual('', self.instance(server).image_ref)
            self.assert_undone(server)

        def test_refused_rebuild_after_another_with_image_ref(self):
            """Nova leaves image_ref as it was, and nothing else."""
            server = self.create_on_volume(VOLUME_OF_MODEL, imageRef=base.A)
            self.rebuild_on_volume(server)
            self.assertEqual(base.A, self.instance(server).image_ref)
            self.assertEqual(base.B, self.request_spec(server).image.id)
            self.assert_undone(server)

        def assert_undone_by_conductor(self, server):
            self.unpatch_api()
            before = self.state(server)
            requested = self.requested(server)
            self.refuse_rebuild(server)
            after = self.state(server)
            for name in 'metadata', 'image_ref':
                self.assertEqual(before[name], after[name])
            self.assertEqual(requested, self.requested(server))
            self.assertIsNone(self.migrate(server))

        def requested(self, server):
            image = self.request_spec(server).image
            return image.id if 'id' in image else None

        def test_api_not_yet_patched(self):
            self.assert_undone_by_conductor(
                self.create_on_volume(VOLUME_OF_MODEL))

        def test_api_not_yet_patched_with_image_ref(self):
            self.assert_undone_by_conductor(
                self.create_on_volume(VOLUME_OF_MODEL, imageRef=base.A))

        def test_api_not_yet_patched_with_no_image_in_volume(self):
            self.assert_undone_by_conductor(
                self.create_on_volume(PLAIN_VOLUME))


class ExtensionTest(TestCase):
    """Patches and extension together: nothing is done twice, or by half."""

    microversion = '2.93' if base.RELEASE >= 26 else '2.38'

    def let_extension_look(self, server):
        with mock.patch.object(compute.API, 'snapshot', autospec=True,
                               return_value={'id': base.MODEL}), \
                mock.patch.object(
                    compute.API, 'snapshot_volume_backed', autospec=True,
                    return_value={'id': base.MODEL}):
            self.act(server, 'createImage', {'name': 'snapshot'})

    def assert_undone(self, server):
        before = self.state(server)
        self.refuse_rebuild(server)
        self.assertEqual(before, self.state(server))
        self.let_extension_look(server)
        self.assertEqual(before, self.state(server))
        self.assertEqual(set(), self.remembered(server))
        self.assertIsNone(self.migrate(server))

    def assert_undone_by_both(self, server):
        """The conductor does not know of columns, and the extension does."""
        self.unpatch_api()
        before = self.state(server)
        self.refuse_rebuild(server)
        self.let_extension_look(server)
        after = self.state(server)
        for state in before, after:
            del state['request']
        self.assertEqual(before, after)
        self.assertEqual(set(), self.remembered(server))
        self.assertIsNone(self.migrate(server))

    def test_refused_rebuild(self):
        self.assert_undone(self.create_server(base.A))

    def test_api_not_yet_patched(self):
        self.assert_undone_by_both(self.create_server(base.A))

    if base.RELEASE >= 26:  # for the microversion
        def test_refused_rebuild_of_volume_backed(self):
            self.assert_undone(self.create_on_volume(VOLUME_OF_MODEL))

        def test_refused_rebuild_with_image_ref(self):
            self.assert_undone(
                self.create_on_volume(VOLUME_OF_MODEL, imageRef=base.A))

        def test_refused_rebuild_with_no_image_in_volume(self):
            self.assert_undone(self.create_on_volume(PLAIN_VOLUME))

        def test_api_not_yet_patched_and_volume_backed(self):
            self.assert_undone_by_both(self.create_on_volume(VOLUME_OF_MODEL))

        def test_api_not_yet_patched_and_image_ref(self):
            self.assert_undone_by_both(
                self.create_on_volume(VOLUME_OF_MODEL, imageRef=base.A))

        def test_api_not_yet_patched_and_no_image_in_volume(self):
            self.assert_undone_by_both(self.create_on_volume(PLAIN_VOLUME))
