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


"""What users get of stock Nova, and of Nova with our router."""

# Before anything else of nova or oslo.
from tests.nova import base

from unittest import mock

from nova_snapshot_fix import api
from nova_snapshot_fix import judgement
from nova_snapshot_fix import known


class StockTest(base.TestCase):
    """The defects: should one of these fail, upstream has mended it."""

    ROUTER = base.STOCK_ROUTER

    def test_rebuild(self):
        server = self.create_server(base.A)
        self.assertEqual(base.A, self.key(server))
        self.act(server, 'rebuild', {'imageRef': base.B})
        expected = base.B if base.FIXED else None
        self.assertEqual(expected, self.key(server))
        self.assertEqual(
            expected, self.snapshot(server)['properties'].get(
                'base_image_ref'))

    def test_rebuild_with_snapshot(self):
        server = self.create_server(base.A)
        snapshot = self.snapshot(server)['id']
        self.assertEqual(base.A, self.key(self.create_server(snapshot)))
        self.act(server, 'rebuild', {'imageRef': snapshot})
        # Without the fix it is the snapshot's own property.
        self.assertEqual(
            snapshot if base.FIXED else base.A, self.key(server))

    def test_refused_rebuild(self):
        server = self.create_server(base.A)
        before = self.metadata(server)
        self.refuse_rebuild(server)
        instance = self.instance(server)
        self.assertEqual(base.A, instance.image_ref)
        self.assertEqual('windows', instance.os_type)
        self.assertTrue(instance.auto_disk_config)
        self.assertNotEqual(before, instance.system_metadata)
        self.assertEqual(
            base.REFUSED if base.FIXED else None, self.key(server))
        self.assertEqual(base.REFUSED, self.request_spec(server).image.id)
        for image in self.snapshot(server), self.backup(server):
            properties = image['properties']
            self.assertEqual(base.REFUSED if base.FIXED else None,
                             properties.get('base_image_ref'))
            self.assertEqual('c', properties['os_admin_user'])
            self.assertNotIn('os_distro', properties)
        self.assertRegex(self.migrate(server), '(?i)no ?valid ?host')
        # The key is right then, and nothing else.
        self.assertEqual(base.A if base.FIXED else None, self.key(server))
        self.assertEqual('c', self.metadata(server)['image_os_admin_user'])

    def test_key_missing(self):
        server = self.create_server(base.A)
        self.change_metadata(server, **{base.KEY: None})
        self.assertNotIn('base_image_ref', self.snapshot(server)['properties'])
        self.assertNotIn('base_image_ref', self.backup(server)['properties'])
        self.assertIsNone(self.key(server))
        self.assertIsNone(self.migrate(server))
        self.assertEqual(base.A if base.FIXED else None, self.key(server))


class ExtensionTest(base.TestCase):

    def assert_undone(self, server, before, remembered=False):
        """The server is as it was, and nothing stays remembered."""
        instance = self.instance(server)
        self.assertEqual(before, instance.system_metadata)
        self.assertEqual(base.A, instance.image_ref)
        self.assertIsNone(instance.os_type)
        self.assertFalse(instance.auto_disk_config)

    def test_rebuild(self):
        server = self.create_server(base.A)
        self.rebuild(server)
        self.assertEqual(set(), self.remembered(server))

    def test_nothing_of_ours_in_snapshots(self):
        server = self.create_server(base.A)
        self.act(server, 'rebuild', {'imageRef': base.B})
        self.assertNotEqual(set(), self.remembered(server))
        for image in self.snapshot(server), self.backup(server):
            self.assertEqual(
                [], [name for name in image['properties'] if 'fix' in name])

    def test_rebuild_with_snapshot(self):
        server = self.create_server(base.A)
        snapshot = self.snapshot(server)['id']
        self.act(server, 'rebuild', {'imageRef': snapshot})
        self.assertEqual(snapshot, self.key(server))
        self.assertEqual(
            snapshot, self.snapshot(server)['properties']['base_image_ref'])

    def test_new_server_from_snapshot(self):
        snapshot = self.snapshot(self.create_server(base.A))['id']
        server = self.create_server(snapshot)
        before = self.metadata(server)
        self.assertEqual(base.A, before[base.KEY])
        self.assertEqual(
            base.A, self.snapshot(server)['properties']['base_image_ref'])
        self.assertEqual(before, self.metadata(server))
        # The snapshot is gone: nobody can tell that A is wrong.
        del self.images[snapshot]
        self.backup(server)
        self.assertEqual(before, self.metadata(server))

    def refused(self):
        server = self.create_server(base.A)
        before = self.metadata(server)
        self.refuse_rebuild(server)
        return server, before

    def test_refused_rebuild_then_snapshot(self):
        server, before = self.refused()
        # What is put back is what had been recorded, not today's image.
        self.images[base.A]['properties']['os_distro'] = 'edited'
        with mock.patch.object(api.LOG, 'warning', autospec=True) as warning:
            properties = self.snapshot(server)['properties']
        self.assertIn(judgement.Source.REMEMBERED.value, warning.call_args[0])
        self.assertEqual(base.A, properties['base_image_ref'])
        self.assertEqual('a', properties['os_distro'])
        self.assertNotIn('os_admin_user', properties)
        self.assert_undone(server, before)
        self.assertEqual(base.A, self.request_spec(server).image.id)

    def test_refused_rebuild_then_backup(self):
        server, before = self.refused()
        properties = self.backup(server)['properties']
        self.assertEqual(base.A, properties['base_image_ref'])
        self.assertNotIn('os_admin_user', properties)
        self.assert_undone(server, before)

    def test_refused_rebuild_then_migrate(self):
        server, before = self.refused()
        self.assertIsNone(self.migrate(server))
        self.assertEqual(base.A, self.key(server))
        spec = self.request_spec(server)
        self.assertEqual(base.A, spec.image.id)
        self.assertNotIn('hw_architecture', spec.image.properties)

    def test_refused_twice(self):
        server, before = self.refused()
        self.refuse_rebuild(server)
        self.snapshot(server)
        self.assert_undone(server, before)

    def test_refused_then_rescued(self):
        """A rescue moves launched_at, as a rebuild that succeeds does."""
        server, before = self.refused()
        self.images[base.A]['properties']['os_distro'] = 'edited'
        launched_at = self.instance(server).launched_at
        self.act(server, 'rescue', {})
        self.act(server, 'unrescue')
        self.assertNotEqual(launched_at, self.instance(server).launched_at)
        self.snapshot(server)
        self.assert_undone(server, before)
        self.assertEqual(base.A, self.request_spec(server).image.id)

    def test_refused_with_the_origin(self):
        """The refused image is the one that the server's image stems from."""
        snapshot = self.snapshot(self.create_server(base.A))['id']
        server = self.create_server(snapshot)
        before = self.metadata(server)
        self.images[base.A]['properties']['hw_architecture'] = 'unicore32'
        self.refuse_rebuild(server, base.A)
        self.snapshot(server)
        self.assertEqual(before, self.metadata(server))
        self.assertEqual(snapshot, self.request_spec(server).image.id)

    def test_refused_without_us(self):
        """Nothing is remembered: what Glance says today has to do."""
        server, before = self.refused()
        self.forget(server)
        self.images[base.A]['properties']['os_distro'] = 'edited'
        with mock.patch.object(api.LOG, 'warning', autospec=True) as warning:
            self.assertIsNone(self.migrate(server))
        self.assertIn(judgement.Source.GLANCE.value, warning.call_args[0])
        metadata = self.image_metadata(server)
        self.assertEqual(base.A, metadata[base.KEY])
        self.assertEqual('edited', metadata['image_os_distro'])
        self.assertNotIn('image_os_admin_user', metadata)
        self.assertEqual(base.A, self.request_spec(server).image.id)

    def test_refused_without_us_and_image_not_seen(self):
        """Of what a user may not see Glance says that it is not there."""
        server, before = self.refused()
        self.forget(server)
        refused = self.metadata(server)
        image = self.images.pop(base.A)
        with mock.patch.object(api.LOG, 'warning', autospec=True) as warning:
            self.snapshot(server)
        self.assertIn(judgement.Row.NOT_SEEN.reason, warning.call_args[0])
        self.assertEqual(refused, self.metadata(server))
        self.images[base.A] = image
        self.snapshot(server)
        self.assert_undone(server, before)

    def test_refused_without_us_and_no_answer(self):
        """Nothing is changed that would tell us of it later."""
        server, before = self.refused()
        self.forget(server)
        refused = self.metadata(server)
        with mock.patch.object(api._Ask, 'image', autospec=True,
                               return_value=known.Unknown.NO_ANSWER):
            with mock.patch.object(
                    api.LOG, 'warning', autospec=True) as warning:
                self.snapshot(server)
            self.assertIn(
                judgement.Row.NO_ANSWER.reason, warning.call_args[0])
            self.assertEqual(refused, self.metadata(server))
            # And what is not the server's is not remembered as if it were.
            self.refuse_rebuild(server)
        self.assertEqual(refused, self.metadata(server))
        self.assertEqual(base.REFUSED, self.request_spec(server).image.id)
        self.snapshot(server)
        self.assert_undone(server, before)
        self.assertEqual(base.A, self.request_spec(server).image.id)

    def test_refused_without_us_and_key_right(self):
        """As after a stock migration, resize or shelving."""
        server, before = self.refused()
        self.forget(server)
        self.change_metadata(server, **{base.KEY: base.A})
        self.assertNotIn('os_admin_user', self.snapshot(server)['properties'])
        self.assertEqual(before, self.metadata(server))
        self.assertEqual(base.A, self.request_spec(server).image.id)

    def test_request_spec_alone(self):
        """What a rebuild with the old image leaves after a refused one."""
        server, before = self.refused()
        self.act(server, 'rebuild', {'imageRef': base.A})
        spec = self.request_spec(server)
        spec.image = type(spec.image).from_dict(self.images[base.REFUSED])
        spec.save()
        self.assertIsNone(self.migrate(server))
        self.assertEqual(base.A, self.request_spec(server).image.id)

    def lose_key(self, server):
        self.images[base.A]['properties']['os_distro'] = 'edited'
        self.change_metadata(server, **{base.KEY: None})

    def assert_key_alone(self, server, before):
        self.assertEqual(before, self.image_metadata(server))

    def test_key_missing(self):
        server = self.create_server(base.A)
        before = self.image_metadata(server)

        for make in self.snapshot, self.backup:
            self.lose_key(server)
            properties = make(server)['properties']
            self.assertEqual(base.A, properties['base_image_ref'])
            self.assert_key_alone(server, before)

        self.lose_key(server)
        self.assertIsNone(self.migrate(server))
        self.assert_key_alone(server, before)

        self.lose_key(server)
        self.act(server, 'resize', {'flavorRef': '2'})
        self.assertEqual(base.A, self.key(server))
        self.act(server, 'revertResize')

        self.lose_key(server)
        self.act(server, 'shelve')
        self.assert_key_alone(server, before)
        self.lose_key(server)
        self.act(server, 'unshelve')
        self.assertEqual(base.A, self.key(server))

        self.lose_key(server)
        self.act(server, 'rebuild', {'imageRef': base.A})
        self.assertEqual(base.A, self.key(server))

        # The last one: Train's fake driver then loses the server.
        before = self.image_metadata(server)
        self.lose_key(server)
        self.act(server, 'os-migrateLive',
                 {'host': None, 'block_migration': 'auto'})
        self.assert_key_alone(server, before)

    def test_key_missing_then_refused(self):
        server = self.create_server(base.A)
        before = self.metadata(server)
        self.change_metadata(server, **{base.KEY: None})
        self.refuse_rebuild(server)
        self.snapshot(server)
        self.assert_undone(server, before)

    def test_long_values(self):
        """What is remembered needs more than one value of 255 characters."""
        for name in 'os_admin_user', 'os_version', 'os_command_line':
            self.images[base.A]['properties'][name] = name[3] * 255
        server, before = self.refused()
        self.assertLess(3, len(self.remembered(server)))
        self.snapshot(server)
        self.assert_undone(server, before)

    def test_image_gone(self):
        server = self.create_server(base.A)
        before = self.image_metadata(server)
        self.change_metadata(server, **{base.KEY: None})
        del self.images[base.A]
        self.assertEqual(
            base.A, self.snapshot(server)['properties']['base_image_ref'])
        self.assert_key_alone(server, before)

    def test_flavor_gone(self):
        server, before = self.refused()
        self.forget(server)
        self.api.api_delete('/flavors/1')
        self.snapshot(server)
        metadata = self.image_metadata(server)
        self.assertEqual((base.A, 'a'), (
            metadata[base.KEY], metadata['image_os_distro']))
