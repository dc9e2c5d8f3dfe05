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


"""Whether metadata have the properties of the image in a RequestSpec."""

# Before anything else of nova or oslo.
from tests.nova import base

import json

from nova import context
from nova import objects
from nova import utils
import testtools

from nova_snapshot_fix import database
from nova_snapshot_fix import facts

PROPERTIES = {
    'hw_architecture': 'x86_64', 'licence': 'unknown to Nova',
    'trait:CUSTOM_A': 'required', 'trait:CUSTOM_B': 'required',
    'os_command_line': 'x' * 300, 'mappings': [{'device': 'vda'}]}


class AsRequestedTest(testtools.TestCase):

    def as_requested(self, without=(), **recorded):
        objects.register_all()
        metadata = dict(utils.get_system_metadata_from_image(
            {'id': base.B, 'properties': PROPERTIES}), **recorded)
        # A database returns them in another order.
        instance = database.Instance('uuid', None, None, {
            key: metadata[key] for key in sorted(
                metadata.keys() - {*without}, reverse=True)},
            {'image_ref': base.A})
        request = json.loads(json.dumps(objects.ImageMeta.from_dict(
            {'id': base.B, 'properties': PROPERTIES}).obj_to_primitive()))
        return facts.Server(
            instance, objects.BlockDeviceMappingList(), request,
            database.History(),
        ).facts(context.get_admin_context()).as_requested

    def test_same(self):
        self.assertTrue(self.as_requested())
        self.assertTrue(self.as_requested(image_base_image_ref=base.A))

    def test_registered_by_the_driver(self):
        self.assertTrue(self.as_requested(image_hw_machine_type='q35'))

    def test_other(self):
        self.assertFalse(self.as_requested(image_hw_architecture='i686'))
        self.assertFalse(self.as_requested(image_os_distro='debian'))
        self.assertFalse(self.as_requested(['image_trait:CUSTOM_A']))
