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

"""What each store holds, by the database and by the records."""

import dataclasses
import itertools

from glance_progress.answer import reconcile
from glance_progress.records import wire
from tests.unit import answer_base

NOW = answer_base.NOW
LATER = answer_base.LATER
LONG_BEFORE = NOW - 600  # by a clock that is right, as the record's is not
TestCase = answer_base.TestCase
a_record = answer_base.a_record
an_image = answer_base.an_image
describe = answer_base.describe
finished = answer_base.finished
staged = answer_base.staged


class TestDatabaseAlone(TestCase):

    def test_active(self):
        store, = describe(an_image(size=5, stores='a'))['stores']
        self.assertEqual(
            ('finished', 5, 5, 100.0, False, None, None),
            tuple(store[name] for name in (
                'state', 'bytes_written', 'total_bytes', 'percent',
                'stalled', 'age', 'failure')))

    def test_empty_or_of_unknown_size(self):
        for size in 0, None:
            store, = describe(an_image(size=size, stores='a'))['stores']
            self.assertEqual(('finished', 0, size), tuple(
                store[name] for name in (
                    'state', 'bytes_written', 'total_bytes')))

    def test_import(self):
        answered = describe(an_image(
            'importing', 5, stores='a', targets='b', importing=True))
        self.assert_states({'a': 'finished', 'b': 'waiting'}, answered)
        self.assertEqual([5, 0], [
            each['bytes_written'] for each in answered['stores']])

    def test_copy(self):
        answered = describe(an_image(
            size=5, stores='a', targets='bc', importing=True))
        self.assert_phase('copy', 0.0, answered)
        self.assert_states(
            {'a': 'finished', 'b': 'waiting', 'c': 'waiting'}, answered)

    def test_failed_copy(self):
        answered = describe(an_image(
            size=5, stores='a', targets='c', failed='b'))
        self.assert_phase('done', 100.0, answered)
        for store in 'bc':
            self.assert_failure(reconcile.IMPORT_FAILED, store, answered)

    def test_failed_import(self):
        for status in ('queued', 'importing'):
            answered = describe(an_image(status, failed='a'))
            self.assertEqual('failed', answered['phase'])
            self.assert_failure(reconcile.IMPORT_FAILED, 'a', answered)

    def test_failed_import_and_then_an_upload(self):
        answered = describe(an_image('saving', failed='a'))
        self.assert_phase('upload', None, answered)
        self.assert_states({}, answered)
        answered = describe(an_image(size=5, stores='a', failed='a'))
        self.assert_states({'a': 'finished'}, answered)

    def test_refused_after_it_was_stored(self):
        answered = describe(an_image('queued', stores='a'))
        self.assertEqual('failed', answered['phase'])
        self.assert_failure(reconcile.NOT_KEPT, 'a', answered)


class TestUpload(TestCase):

    def test_failed(self):
        record = a_record(state=wire.FAILED, failure='no room')
        for now in (NOW, LATER):
            answered = describe(an_image('queued'), record, now=now)
            self.assert_phase('failed', 25.0, answered)
            self.assert_failure('no room', 'a', answered)

    def test_second_attempt_without_record(self):
        """As in its first milliseconds, or of a worker without threads."""
        earlier = a_record(state=wire.FAILED, failure='no room')
        for now in NOW, LATER:
            answered = describe(an_image('saving'), earlier, now=now)
            self.assert_phase('upload', None, answered)
            self.assertEqual([], answered['stores'])
            self.assertEqual('no room', answered['last_failure']['failure'])

    def test_failed_and_then_elsewhere(self):
        answered = describe(
            an_image(size=1000, stores='b'),
            a_record(state=wire.FAILED, failure='no room', request_id='req-1'),
            finished('b', sequence=2, request_id='req-2'), now=LATER)
        self.assert_phase('done', 100.0, answered)
        self.assertEqual(
            {'store': 'a', 'failure': 'no room', 'updated_at': 1010.0,
             'updated_at_iso': '1970-01-01T00:16:50Z', 'request_id': None},
            answered['last_failure'])

    def test_second_attempt_where_the_first_was_not_kept(self):
        answered = describe(
            an_image('saving', stores='a'), a_record(), now=LATER)
        self.assert_states({'a': 'uploading'}, answered)

    def test_end_of_the_record_was_lost(self):
        for lost, now in itertools.product(
                (a_record(), a_record(total_bytes=None),
                 a_record(bytes_received=700),
                 a_record(state=wire.FAILED, failure='no room')),
                (NOW, LATER, LONG_BEFORE)):
            answered = describe(
                an_image(size=1234, stores='a'), lost, now=now)
            self.assert_phase('done', 100.0, answered)
            store, = answered['stores']
            self.assertEqual(
                ('finished', 1234, 1234, 100.0, False, None, None),
                tuple(store[name] for name in (
                    'state', 'bytes_written', 'total_bytes', 'percent',
                    'stalled', 'failure', 'bytes_received')))

    def test_deactivated_before_the_end_was_told(self):
        self.assert_states({'a': 'finished'}, describe(
            an_image('deactivated', 1000, stores='a'), a_record()))

    def test_not_kept(self):
        for image, record in (
            (an_image('queued'), finished()),
            (an_image('queued'), a_record()),
            (an_image('queued', stores='a'), finished()),
            (an_image('queued', stores='a'), a_record()),
            (an_image(size=1000, stores='b'), a_record()),
        ):
            for now in LATER, LONG_BEFORE:
                self.assert_failure(reconcile.NOT_KEPT, 'a', describe(
                    image, record, now=now))

    def test_removed_from_one_store(self):
        for now, states in ((NOW, {'a': 'finished', 'b': 'finished'}),
                            (LATER, {'b': 'finished'}),
                            (LONG_BEFORE, {'b': 'finished'})):
            self.assert_states(states, describe(
                an_image(size=1000, stores='b'), finished(), now=now))

    def test_record_ahead_of_the_database(self):
        # Which may be a moment behind.
        answered = describe(an_image('queued'), finished())
        self.assert_states({'a': 'finished'}, answered)
        self.assert_phase('queued', 99.9, answered)

    def test_failed_import_and_then_an_upload(self):
        answered = describe(an_image('saving', failed='a'), a_record())
        self.assert_states({'a': 'uploading'}, answered)
        answered = describe(
            an_image(size=1000, stores='a', failed='a'), finished())
        self.assert_states({'a': 'finished'}, answered)

    def test_deactivated(self):
        # Only admins are told by Glance in which stores it is.
        for stores in ('a', ''):
            answered = describe(
                an_image('deactivated', 1000, stores=stores), finished(),
                now=LATER)
            self.assert_phase('done', 100.0, answered)
            self.assert_states({'a': 'finished'}, answered)

    def test_total_from_the_database(self):
        for size, total, percent in ((500, 500, 50.0), (100, 250, 99.9)):
            answered = describe(
                an_image('importing', size, targets='a', importing=True),
                a_record(total_bytes=None))
            self.assert_phase('import', percent, answered)
            self.assertEqual(total, answered['stores'][0]['total_bytes'])


class TestStaging(TestCase):

    def test_failed(self):
        record = a_record(
            wire.STAGING_STORE, state=wire.FAILED, failure='gone')
        answered = describe(an_image('queued'), record, now=LATER)
        self.assertEqual('failed', answered['phase'])
        self.assert_failure('gone', wire.STAGING_STORE, answered)

    def test_end_of_the_record_was_lost(self):
        lost = a_record(wire.STAGING_STORE)
        answered = describe(
            an_image(size=1000, stores='a'), lost, finished(), now=LATER)
        self.assert_phase('done', 100.0, answered)
        self.assert_states(
            {'a': 'finished', wire.STAGING_STORE: 'finished'}, answered)


class TestImport(TestCase):

    def test_failed_in_one_of_two(self):
        # all_stores_must_succeed = True: Glance removes the other, and
        # leaves the image in status importing.
        answered = describe(
            an_image('importing', failed='b'), staged(), finished(),
            a_record('b', state=wire.FAILED, failure='no room'), now=LATER)
        self.assertEqual('failed', answered['phase'])
        self.assert_failure(reconcile.NOT_KEPT, 'a', answered)
        self.assert_failure('no room', 'b', answered)

    def test_failed_in_one_of_two_without_record(self):
        """What Glance says is news as long as there is any record."""
        answered = describe(
            an_image(size=1000, stores='a', failed='b'), finished(), now=LATER)
        self.assertEqual('failed', answered['phase'])
        self.assert_failure(reconcile.IMPORT_FAILED, 'b', answered)

    def test_failed_after_the_store_had_finished(self):
        answered = describe(an_image('queued', failed='a'), finished())
        self.assert_phase('failed', 99.9, answered)
        self.assert_failure(reconcile.IMPORT_FAILED, 'a', answered)

    def test_failures_of_one_store_are_let_pass(self):
        # all_stores_must_succeed = False: active after the first store.
        answered = describe(
            an_image(size=1000, stores='a', failed='b', targets='c',
                     importing=True),
            staged(), finished(), a_record('b', state=wire.FAILED),
            a_record('c', sequence=2))
        self.assertEqual('copy', answered['phase'])
        self.assert_states(
            {'a': 'finished', 'b': 'failed', 'c': 'uploading',
             wire.STAGING_STORE: 'finished'}, answered)

    def test_second_import(self):
        image = an_image('importing', 1000, targets='ab', importing=True)
        self.assert_states(
            {'a': 'uploading', 'b': 'waiting',
             wire.STAGING_STORE: 'finished'},
            describe(image, a_record('b', state=wire.FAILED,
                                     request_id='req-1'),
                     staged(sequence=2), a_record(
                         'a', sequence=3, request_id=answer_base.REQUEST)))


class TestFresh(TestCase):

    def test_less_than_five_seconds(self):
        record = a_record()
        for age, fresh in ((0, True), (4.9, True), (5, False), (600, False),
                           (-4.9, True), (-5, False), (-600, False)):
            self.assertIs(fresh, reconcile.fresh(record, 1010 + age), age)

    def test_writers_clock_is_off(self):
        # By the reader's, it has moved at 1110.
        record = dataclasses.replace(a_record(), skew=100, moved=True)
        self.assertTrue(reconcile.fresh(record, 1110))
        self.assertFalse(reconcile.fresh(record, 1010))

    def test_nobody_has_seen_it_move(self):
        """The reader knows no more than that it is not of the future."""
        record = dataclasses.replace(a_record(), skew=-600)
        self.assertFalse(reconcile.fresh(record, 1010 - 600))


class TestCopy(TestCase):

    def test_end_of_the_first_record_was_lost(self):
        answered = describe(
            an_image(size=1000, stores='a', targets='bc', importing=True),
            a_record(), now=LATER)
        self.assertEqual('finished', answered['stores'][0]['state'])


class TestDeleted(TestCase):

    def of_deleted(self, *records):
        return sorted(reconcile.of_deleted(
            {each.store: each for each in records}))

    def test_newest_attempt_has_failed(self):
        self.assertEqual(['b'], self.of_deleted(
            finished(), a_record('b', state=wire.FAILED, sequence=2)))
        self.assertEqual(['a', wire.STAGING_STORE], self.of_deleted(
            a_record(state=wire.FAILED), a_record(
                wire.STAGING_STORE, state=wire.FAILED, sequence=2)))

    def test_it_has_not(self):
        failed = a_record('b', state=wire.FAILED, sequence=0)
        for newest in (finished(), a_record()):
            self.assertEqual([], self.of_deleted(failed, newest))
        self.assertEqual([], self.of_deleted())
        self.assertEqual([], self.of_deleted(
            a_record(wire.LOOKED, state=wire.FAILED)))
