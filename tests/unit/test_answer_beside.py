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

import json

import hypothesis
from hypothesis import strategies as st

from glance_progress.answer import shown
from glance_progress.records import wire
from tests.unit import answer_base
from tests.unit import base
from tests.unit.records import test_wire

NOW = answer_base.NOW
an_image = answer_base.an_image
describe = answer_base.describe
of_server = answer_base.of_server


def a_look(phase='flattening', **fields):
    return base.a_record(**{
        'store': wire.LOOKED, 'phase': phase, 'found_in': 'a',
        'measured_by': 'diff', **fields})


def preparing():
    return a_look('preparing', found_in=None, measured_by=None,
                  bytes_written=0, total_bytes=None, sequence=0)


class TestSeen(answer_base.TestCase):

    def assert_unseen(self, phase, answered):
        self.assertEqual((phase, 'database'),
                         (answered['phase'], answered['source']))

    def test_flattening(self):
        for image in (an_image('queued'), of_server()):
            answered = describe(image, a_look())
            self.assert_phase('flattening', 25.0, answered)
            self.assertEqual('ceph', answered['source'])
            store, = answered['stores']
            self.assertEqual(
                ('a', 'uploading', 250, 1000, 'diff'),
                tuple(store[name] for name in (
                    'store', 'state', 'bytes_written', 'total_bytes',
                    'measured_by')))
            self.assertEqual(set(), {'phase', 'found_in', 'position',
                                     'pace'} & store.keys())

    def test_by_position(self):
        answered = describe(of_server(), a_look(
            total_bytes=None, position=0.4, measured_by='object map'))
        self.assert_phase('flattening', 40.0, answered)

    def test_nothing_measured(self):
        answered = describe(of_server(), a_look(measured_by=None))
        self.assertEqual(('flattening', []),
                         (answered['phase'], answered['stores']))

    def test_preparing(self):
        answered = describe(of_server(), preparing())
        self.assert_phase('preparing', None, answered)
        self.assertEqual([], answered['stores'])
        self.assert_unseen('queued', describe(
            an_image('queued'), preparing()))

    def test_registering(self):
        look = a_look('registering', bytes_written=1000)
        for importing in (False, True):
            self.assert_phase('registering', 99.9, describe(
                of_server(importing=importing), look))
        # It may be what an upload has left behind.
        self.assert_unseen('queued', describe(an_image('queued'), look))

    def test_phase_of_another_version(self):
        self.assert_unseen('queued', describe(
            of_server(), a_look('thinking')))

    def test_glance_knows_better(self):
        self.assert_unseen('done', describe(
            of_server('active', stores=frozenset('a'), size=1000), a_look()))
        self.assert_unseen('upload', describe(of_server('saving'), a_look()))
        self.assert_unseen('import', describe(of_server(
            importing=True, targets=frozenset('a')), a_look()))

    def test_after_a_failed_upload(self):
        failed = answer_base.a_record(state=wire.FAILED, failure='No room.')
        self.assertEqual(
            'failed', describe(of_server(), failed, preparing())['phase'])
        answered = describe(of_server(), failed, a_look())
        self.assertEqual('flattening', answered['phase'])
        self.assertEqual('No room.', answered['last_failure']['failure'])

    def test_position_of_what_claims_to_be_done(self):
        self.assert_phase('flattening', 99.9, describe(
            of_server(), a_look(state=wire.FINISHED, bytes_written=1000)))


class TestHashed(answer_base.TestCase):

    image = of_server('active', stores=frozenset('a'), size=1000,
                      importing=True, hashing=True)

    def test_hashing(self):
        self.assert_phase('hashing', None, describe(self.image))
        self.assertIsNone(describe(self.image)['hashed'])
        answered = describe(self.image, base.a_record(store=wire.HASHED))
        self.assert_phase('hashing', 25.0, answered)
        self.assertEqual(
            {'bytes_read': 250, 'total_bytes': 1000, 'percent': 25.0,
             'bytes_per_second': 25.0, 'eta': 29.0, 'age': 1.0,
             'stalled': False}, answered['hashed'])
        self.assert_states({'a': 'finished'}, answered)
        self.assertTrue(self.image.in_transit)

    def test_until_glance_has_the_hash(self):
        self.assert_phase('hashing', 99.9, describe(
            self.image, base.a_record(
                store=wire.HASHED, state=wire.FINISHED, bytes_written=1000)))

    def test_hashed(self):
        answered = describe(
            an_image(stores='a', size=1000),
            base.a_record(store=wire.HASHED, state=wire.FAILED,
                          failure='No.'))
        self.assert_phase('done', 100.0, answered)
        self.assertIsNone(answered['hashed'])
        self.assertIsNone(answered['last_failure'])


class TestAnything(answer_base.TestCase):

    @hypothesis.given(
        answer_base.images(), st.lists(test_wire.records(), max_size=3),
        st.sampled_from(['preparing', 'flattening', 'registering', 'x', None]),
        st.sampled_from(['diff', 'object map', None]),
        st.floats(0, 1) | st.none(), test_wire.TIMES, st.booleans(),
        st.booleans())
    def test_any(self, image, records, phase, how, position, now, server,
                 hashing):
        image = test_wire.dataclasses.replace(
            image, of_server=server, hashing=hashing)
        records = {
            place: test_wire.dataclasses.replace(
                record, image_id=base.IMAGE, store=place, phase=phase,
                found_in='a', measured_by=how, position=position)
            for place, record in zip(
                (wire.LOOKED, wire.HASHED, 'a'), records)}
        answered = shown.describe(image, records, now, 60)
        json.dumps(answered, allow_nan=False)
        self.assertEqual(answered['phase'] == 'done',
                         answered['percent'] == 100)
        self.assertTrue(answered['percent'] is None
                        or 0 <= answered['percent'] <= 100)
        self.assertLessEqual({each['store'] for each in answered['stores']},
                             set(answer_base.STORES))
