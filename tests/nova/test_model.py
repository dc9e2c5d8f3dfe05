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


"""The model of Nova that random lives are tried on does what Nova does."""

# Before anything else of nova or oslo.
from tests.nova import base

import random
from unittest import mock

from nova.conductor import manager
from nova import exception

from nova_snapshot_fix import facts
from nova_snapshot_fix import judgement
from tests.nova import test_command
from tests.unit.nova_snapshot_fix import nova_model

NAMES = (*nova_model.KNOWN, 'licence', 'base_image_ref')
LIVES = 6
STEPS = 9

if base.RELEASE >= 26:  # for the microversion of volume-backed rebuilds

    class ModelTest(test_command.CommandTestCase):

        microversion = '2.93'

        def test_image(self):
            self.compare(lambda nova, image: (
                nova.create(image), self.create_server(image)))

        def test_volume(self):
            def create(nova, image):
                self.volumes.write(base.EMPTY_VOLUME, image)
                return (nova.create_volume_backed(image),
                        self.create_volume_backed(base.EMPTY_VOLUME))

            self.compare(create)

        def compare(self, create):
            for seed in range(LIVES):
                chance = random.Random(seed)
                nova = nova_model.Nova()
                images = [self.add_both(nova, number, chance)
                          for number in range(3)]
                model, server = create(nova, images[0])
                story = [seed]
                for _ in range(STEPS):
                    story.append(self.step(
                        nova, model, server, images, chance))
                    self.assert_same(nova, model, server, story)
                self.act(server, 'forceDelete', wait=False)

        def add_both(self, nova, number, chance):
            image_id = '%08d-0000-4000-8000-000000000000' % (
                chance.randrange(10 ** 8))
            properties = {name: chance.choice(('ide', 'scsi'))
                          for name in ('hw_disk_bus', 'os_distro', 'licence')
                          if chance.random() < 0.5}
            self.add_image(image_id, **properties)
            nova.images[image_id] = self.images[image_id]['properties']
            return image_id

        def step(self, nova, model, server, images, chance):
            action = chance.choice((
                'rebuild', 'refuse', 'refuse', 'own', 'migrate', 'register',
                'edit', 'repair', 'repair'))
            image = chance.choice(images)
            own = model.disk if model.volume_backed else model.image_ref
            if action == 'rebuild':
                self.act(server, 'rebuild', {'imageRef': image})
                nova.rebuild(model, image)
            elif action == 'own':
                self.act(server, 'rebuild', {'imageRef': own})
                nova.rebuild(model, own)
            elif action == 'refuse' and image != own:
                refusal = exception.NoValidHost(reason='told')
                with mock.patch.object(
                        manager.ComputeTaskManager, '_schedule_instances',
                        autospec=True, side_effect=refusal):
                    self.refuse_rebuild(server, image)
                nova.rebuild(model, image, refused=True)
            elif action == 'migrate':
                self.assertIsNone(self.migrate(server))
                nova.write_key(model)
            elif action == 'register':
                if 'image_hw_machine_type' not in self.metadata(server):
                    self.change_metadata(server, image_hw_machine_type='q35')
                nova.register(model, 'hw_machine_type', 'q35')
            elif action == 'edit':
                self.images[image]['properties']['hw_disk_bus'] = (
                    chance.choice(('ide', 'scsi', 'usb')))
            elif action == 'repair':
                self.states('repair')
                nova.heal(model)
            return action, image

        def assert_same(self, nova, model, server, story):
            context = self.instance(server)._context
            with base.context.target_cell(
                    context, self.cell_of(server)) as cctxt:
                real = facts.load(cctxt, [server])[server].facts(cctxt)
            expected = nova.facts(model)

            def compared(each):
                return {
                    'image_ref': each.image_ref,
                    'metadata': {
                        name: each.metadata[key] for name in NAMES
                        for key in ['image_' + name] if key in each.metadata},
                    'requested': each.requested,
                    'properties': dict(each.requested_properties),
                    'volume_backed': each.volume_backed,
                    'rebuild': each.rebuild,
                    'ever_refused': each.ever_refused,
                    'row': judgement.judge(
                        each, nova._image, lambda _: nova._volume('volume'),
                    ).row}

            self.assertEqual(compared(expected), compared(real), story)
