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


"""Random lives of servers: the healthy stay so, and the broken are healed."""

import hypothesis
from hypothesis import strategies
import testtools

from nova_snapshot_fix import judgement
from tests.unit import base
from tests.unit.nova_snapshot_fix import nova_model

_properties = strategies.dictionaries(
    strategies.sampled_from((*nova_model.KNOWN, 'licence')),
    strategies.sampled_from('xy'))

_ACTIONS = ('rebuild', 'rebuild own', 'refuse', 'refuse', 'snapshot',
            'write key', 'register', 'edit', 'unset', 'delete', 'down', 'up',
            'extension', 'half cell', 'half request', 'repair')

_lives = strategies.lists(strategies.tuples(
    strategies.sampled_from(_ACTIONS), strategies.integers(0, 3),
    _properties), max_size=14)


def live(nova, server, action, which, properties):
    """Let one thing happen."""
    images = list(nova.images)
    image = images[which % len(images)]
    own = server.disk if server.volume_backed else server.image_ref
    if action == 'rebuild':
        nova.rebuild(server, image)
    elif action == 'rebuild own' and own in nova.images:
        nova.rebuild(server, own)
    elif action == 'refuse' and image != own:
        nova.rebuild(server, image, refused=True)
    elif action == 'snapshot':
        nova.snapshot(server)
    elif action == 'write key':
        nova.write_key(server)
    elif action == 'register':
        nova.register(server, 'hw_disk_bus', 'registered')
    elif action == 'edit':
        nova.images[image].update(properties)
    elif action == 'unset':
        nova.images[image].pop('base_image_ref', None)
    elif action == 'delete' and len(images) > 2:
        del nova.images[image]
    elif action in ('down', 'up'):
        nova.down = action == 'down'
    elif action == 'extension':
        nova.extension = not nova.extension
    elif action.startswith('half '):
        nova.heal(server, until=action.split()[1])


class TestLives(testtools.TestCase):

    @hypothesis.settings(
        max_examples=25 * base.EXAMPLES, deadline=None)
    @hypothesis.given(
        strategies.sampled_from(('image', 'snapshot', 'volume', 'no image',
                                 'both')),
        strategies.sampled_from((judgement.IMAGE, judgement.ORIGIN)),
        strategies.tuples(_properties, _properties, _properties), _lives)
    @hypothesis.example('image', judgement.IMAGE, ({}, {}, {}), [
        ('snapshot', 0, {}), ('rebuild', 3, {}), ('refuse', 0, {}),
        ('extension', 0, {}), ('refuse', 1, {}), ('rebuild', 3, {})])
    @hypothesis.example('volume', judgement.IMAGE, ({}, {}, {}), [
        ('rebuild', 1, {}), ('extension', 0, {}), ('refuse', 0, {}),
        ('half request', 0, {}), ('write key', 0, {})])
    @hypothesis.example('both', judgement.IMAGE, ({}, {}, {}), [
        ('rebuild', 1, {}), ('extension', 0, {}), ('refuse', 0, {}),
        ('half cell', 0, {}), ('write key', 0, {})])
    @hypothesis.example('snapshot', judgement.IMAGE, ({}, {}, {}), [
        ('refuse', 0, {}), ('extension', 0, {}), ('refuse', 1, {}),
        ('register', 0, {})])
    def test_any(self, kind, base_of_snapshot, three, actions):
        nova = nova_model.Nova(base_of_snapshot)
        first, _, _ = [nova.add_image(each) for each in three]
        if kind == 'image':
            server = nova.create(first)
        elif kind == 'snapshot':
            server = nova.create(nova.snapshot(nova.create(first)))
        else:
            server = nova.create_volume_backed(
                None if kind == 'no image' else first, kind == 'both')
        for action in actions:
            live(nova, server, *action)
            if action[0] == 'repair':
                self.repair(nova, server)
        nova.down = False
        self.repair(nova, server)

    def repair(self, nova, server):
        before = server.written()
        metadata_refused = server.metadata_refused
        request_refused = server.request_refused
        properties = nova_model.as_known(
            nova.images.get(server.image_ref, {}))
        verdict = nova.heal(server)
        image_ref, metadata, requested, requested_properties = before
        if not metadata_refused:
            self.assertEqual(metadata, server.metadata)
            self.assertEqual(image_ref, server.image_ref)
        if not request_refused:
            self.assertEqual((requested, requested_properties), (
                server.requested, server.requested_properties))
        told = verdict.row not in (
            judgement.Row.NO_ANSWER, judgement.Row.REFUSED_IMAGE_GONE,
            judgement.Row.ORIGIN_GONE)
        if not told:
            self.assertTrue(nova.down or server.image_ref not in nova.images)
        if metadata_refused and told:
            self.assertTrue(
                not server.metadata_refused
                or properties == requested_properties, verdict)
        if request_refused and told:
            self.assertTrue(
                not server.request_refused
                or verdict.row is judgement.Row.UNEXPLAINED, verdict)
        after = server.written()
        again = nova.heal(server)
        self.assertEqual(after, server.written())
        self.assertFalse(again.clear)
