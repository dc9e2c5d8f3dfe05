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

import dataclasses
import json

import hypothesis
from hypothesis import strategies as st

from glance_progress.answer import database
from glance_progress.answer import reconcile
from glance_progress.answer import shown
from glance_progress.records import wire
from tests.unit import base
from tests.unit.records import test_wire

NOW = 1011.0  # a second after base.a_record()
LATER = NOW + 30
STALLED_AFTER = 60

STORES = ('a', 'b', 'c', wire.STAGING_STORE)
SETS = st.frozensets(st.sampled_from(STORES[:3]))
STATUSES = ('queued', 'saving', 'uploading', 'importing', 'active', 'killed',
            'deactivated', 'deleted', 'pending_delete')


def an_image(status='active', size=None, stores='', targets='', failed='',
             importing=False, lock=None):
    return database.Image(
        image_id=base.IMAGE, name='cirros', owner='demo', status=status,
        size=size, stores=frozenset(stores), targets=frozenset(targets),
        failed=frozenset(failed), importing=importing, lock=lock)


def a_record(store='a', **fields):
    return base.a_record(store=store, **fields)


def finished(store='a', size=1000, **fields):
    return a_record(store, state=wire.FINISHED, bytes_written=size,
                    total_bytes=size, **fields)


def staged(**fields):
    return finished(wire.STAGING_STORE, **{'sequence': 0, **fields})


def describe(image, *records, now=NOW, **kwargs):
    return shown.describe(
        image, {record.store: record for record in records}, now,
        STALLED_AFTER, **kwargs)


@st.composite
def images(draw):
    return database.Image(
        image_id=base.IMAGE, name=draw(st.none() | st.text(max_size=3)),
        owner=draw(st.none() | st.just('demo')),
        status=draw(st.sampled_from(STATUSES)),
        size=draw(st.none() | test_wire.NUMBERS), stores=draw(SETS),
        targets=draw(SETS), failed=draw(SETS), importing=draw(st.booleans()),
        lock=draw(st.none() | st.builds(
            database.Lock, st.just('processing'),
            locating=st.booleans())))


class TestCase(base.TestCase):

    def assert_phase(self, phase, percent, answered):
        self.assertEqual(
            (phase, percent), (answered['phase'], answered['percent']))

    def assert_states(self, expected, answered):
        self.assertEqual(
            expected,
            {each['store']: each['state'] for each in answered['stores']})

    def assert_failure(self, expected, store, answered):
        each, = (each for each in answered['stores']
                 if each['store'] == store)
        self.assertEqual(wire.FAILED, each['state'])
        self.assertEqual(expected, each['failure'])
        self.assertLess(each['percent'] or 0, 100)


class TestFields(TestCase):

    def test_image(self):
        answered = describe(an_image('saving'), a_record())
        self.assertEqual(
            {'image_id': base.IMAGE, 'name': 'cirros', 'owner': 'demo',
             'status': 'saving', 'phase': 'upload', 'size': None,
             'percent': 25.0, 'source': 'memcached',
             'last_failure': None, 'hashed': None, 'waiting_for': None,
             'waiting_since': None, 'waiting_since_iso': None,
             'import_lock': None, 'silent_since': None,
             'silent_since_iso': None, 'volume_snapshots': None},
            {name: answered[name] for name in answered if name != 'stores'})

    def test_store(self):
        record = a_record(request_id='req-1', sequence=2 ** 61 + 1)
        answered = describe(an_image('saving'), record, owner=True)
        expected = record.describe(NOW, STALLED_AFTER)
        del expected['image_id'], expected['host']
        expected['expected_bytes'] = None
        # JavaScript has no integers beyond 2 ** 53.
        expected['sequence'] = 2 ** 61 // 1000
        self.assertLess(expected['sequence'], 2 ** 53)
        self.assertEqual([expected], answered['stores'])

    def test_a_store_has_the_same_fields_without_record(self):
        known = describe(an_image('saving'), a_record())
        unknown = describe(an_image(stores='a', size=5))
        self.assertEqual(set(known['stores'][0]), set(unknown['stores'][0]))

    def test_host_is_for_admins(self):
        image = an_image('saving', targets='b', importing=True)
        record = a_record(host='controller-1')
        self.assertNotIn('controller-1', json.dumps(describe(image, record)))
        seen = describe(image, record, admin=True)['stores']
        self.assertEqual('controller-1', seen[0]['host'])

    def test_requests_are_for_owners_and_admins(self):
        records = (a_record(state=wire.FAILED, request_id='req-1'),
                   a_record('b', request_id='req-2'))
        image = an_image('queued')
        self.assertNotIn('req-', json.dumps(describe(image, *records)))
        for who in {'owner': True}, {'admin': True}:
            answered = describe(image, *records, **who)
            self.assertEqual(['req-1', 'req-2'], [
                each['request_id'] for each in answered['stores']])
            self.assertEqual(
                'req-1', answered['last_failure']['request_id'])

    def test_stores_are_sorted(self):
        answered = describe(
            an_image(stores='ca', targets='b', importing=True))
        self.assertEqual(
            ['a', 'b', 'c'], [each['store'] for each in answered['stores']])

    def test_stalled(self):
        for now, stalled in ((1070, False), (1071, True)):
            answered = describe(an_image('saving'), a_record(), now=now)
            self.assertEqual(stalled, answered['stores'][0]['stalled'])
            self.assertEqual('upload', answered['phase'])


class TestDatabaseAlone(TestCase):

    def test_phases(self):
        for phase, percent, image in (
            ('queued', None, an_image('queued')),
            ('upload', None, an_image('saving')),
            ('staging', None, an_image('uploading')),
            ('staged', None, an_image('uploading', size=5)),
            ('import', 0.0, an_image(
                'importing', 5, targets='ab', importing=True)),
            ('import', 0.0, an_image(
                'queued', targets='a', importing=True)),
            ('done', 100.0, an_image(size=5, stores='a')),
            ('done', 100.0, an_image('deactivated', 5, stores='a')),
            ('failed', None, an_image('killed')),
            # one that nobody works on
            ('failed', 0.0, an_image('importing', 5, targets='a')),
        ):
            answered = describe(image)
            self.assert_phase(phase, percent, answered)
            self.assertEqual('database', answered['source'])

    def test_active(self):
        store, = describe(an_image(size=5, stores='a'))['stores']
        self.assertEqual(
            ('finished', 5, 5, 100.0, False, None, None),
            tuple(store[name] for name in (
                'state', 'bytes_written', 'total_bytes', 'percent',
                'stalled', 'age', 'failure')))

    def test_import(self):
        answered = describe(an_image(
            'importing', 5, stores='a', targets='b', importing=True))
        self.assert_states({'a': 'finished', 'b': 'waiting'}, answered)

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

    def test_location(self):
        image = an_image('queued', importing=True,
                         lock=database.Lock('processing', locating=True))
        self.assert_phase('registering', None, describe(image))
        # The location is there first, and the status follows.
        answered = describe(dataclasses.replace(
            image, size=5, stores=frozenset('a')))
        self.assert_phase('registering', None, answered)
        self.assert_states({'a': 'waiting'}, answered)

    def test_refused_after_it_was_stored(self):
        answered = describe(an_image('queued', stores='a'))
        self.assertEqual('failed', answered['phase'])
        self.assert_failure(reconcile.NOT_KEPT, 'a', answered)


class TestUpload(TestCase):

    def test_running(self):
        self.assert_phase(
            'upload', 25.0, describe(an_image('saving'), a_record()))

    def test_unknown_total(self):
        self.assert_phase('upload', None, describe(
            an_image('saving'), a_record(total_bytes=None)))

    def test_stored_but_not_yet_active(self):
        self.assert_phase(
            'upload', 99.9, describe(an_image('saving'), finished()))

    def test_done(self):
        answered = describe(an_image(size=1000, stores='a'), finished())
        self.assert_phase('done', 100.0, answered)
        self.assert_states({'a': 'finished'}, answered)

    def test_failed(self):
        record = a_record(state=wire.FAILED, failure='no room')
        for now in (NOW, LATER):
            answered = describe(an_image('queued'), record, now=now)
            self.assert_phase('failed', 25.0, answered)
            self.assert_failure('no room', 'a', answered)

    def test_failed_and_left_at_saving(self):
        refused = a_record(
            bytes_written=1000, state=wire.FAILED, request_id='req-1',
            left_in='saving')
        for now in NOW, LATER:
            self.assert_phase('failed', 99.9, describe(
                an_image('saving'), refused, now=now))
        self.assert_phase('upload', 25.0, describe(
            an_image('saving'), refused,
            a_record('b', sequence=2, request_id='req-2'), now=LATER))

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

    def test_one_store_of_a_request_failed(self):
        """The image can be used; what was asked for has not come to be."""
        for record in (
            a_record(state=wire.FAILED, failure='no room', request_id='req-1'),
            a_record(request_id='req-1'),
        ):
            answered = describe(
                an_image(size=1000, stores='b', failed='a'), record,
                finished('b', sequence=2, request_id='req-1'), now=LATER)
            self.assertEqual('failed', answered['phase'])
            self.assertEqual('a', answered['last_failure']['store'])

    def test_second_attempt_where_the_first_was_not_kept(self):
        answered = describe(
            an_image('saving', stores='a'), a_record(), now=LATER)
        self.assert_states({'a': 'uploading'}, answered)

    def test_second_attempt(self):
        self.assert_phase('upload', 0.0, describe(
            an_image('saving'), a_record(bytes_written=0, sequence=2)))

    def test_earlier_attempt_elsewhere(self):
        self.assert_phase('upload', 25.0, describe(
            an_image('saving'),
            finished('b', request_id='req-1'),
            a_record(sequence=2, request_id='req-2')))

    def test_end_of_the_record_was_lost(self):
        for lost in (a_record(), a_record(total_bytes=None),
                     a_record(state=wire.FAILED, failure='no room')):
            answered = describe(
                an_image(size=1234, stores='a'), lost, now=LATER)
            self.assert_phase('done', 100.0, answered)
            store, = answered['stores']
            self.assertEqual(
                ('finished', 1234, 1234, 100.0, False, None),
                tuple(store[name] for name in (
                    'state', 'bytes_written', 'total_bytes', 'percent',
                    'stalled', 'failure')))

    def test_not_kept(self):
        for image, record in (
            (an_image('queued'), finished()),
            (an_image('queued'), a_record()),
            (an_image('queued', stores='a'), finished()),
            (an_image('queued', stores='a'), a_record()),
            (an_image(size=1000, stores='b'), a_record()),
        ):
            self.assert_failure(
                reconcile.NOT_KEPT, 'a', describe(image, record, now=LATER))

    def test_removed_from_one_store(self):
        for now, states in ((NOW, {'a': 'finished', 'b': 'finished'}),
                            (LATER, {'b': 'finished'})):
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

    def test_running(self):
        self.assert_phase('staging', 25.0, describe(
            an_image('uploading'), a_record(wire.STAGING_STORE)))

    def test_staged(self):
        self.assert_phase('staged', None, describe(
            an_image('uploading', 1000), staged()))

    def test_failed(self):
        record = a_record(
            wire.STAGING_STORE, state=wire.FAILED, failure='gone')
        answered = describe(an_image('queued'), record, now=LATER)
        self.assertEqual('failed', answered['phase'])
        self.assert_failure('gone', wire.STAGING_STORE, answered)

    def test_download_before_an_import(self):
        for status in ('queued', 'importing'):
            answered = describe(
                an_image(status, targets='a', importing=True),
                a_record(wire.STAGING_STORE))
            self.assert_phase('staging', 25.0, answered)

    def test_before_a_copy(self):
        answered = describe(
            an_image(size=1000, stores='a', targets='b', importing=True),
            finished(), a_record(wire.STAGING_STORE, sequence=2))
        self.assert_phase('staging', 25.0, answered)

    def test_end_of_the_record_was_lost(self):
        lost = a_record(wire.STAGING_STORE)
        answered = describe(
            an_image(size=1000, stores='a'), lost, finished(), now=LATER)
        self.assert_phase('done', 100.0, answered)
        self.assert_states(
            {'a': 'finished', wire.STAGING_STORE: 'finished'}, answered)


class TestImport(TestCase):

    def test_between_staging_and_the_first_store(self):
        self.assert_phase('import', 0.0, describe(
            an_image('importing', 1000, targets='ab', importing=True),
            staged()))

    def test_serial(self):
        image = an_image('importing', 1000, targets='ab', importing=True)
        first = a_record(request_id='req-1')
        answered = describe(image, staged(), first)
        self.assert_phase('import', 12.5, answered)

        # Glance takes a store that is done off the list.
        image = an_image('importing', 1000, stores='a', targets='b',
                         importing=True)
        first = finished(request_id='req-1')
        self.assert_phase('import', 50.0, describe(image, staged(), first))
        second = a_record('b', sequence=2, request_id='req-1')
        self.assert_phase(
            'import', 62.5, describe(image, staged(), first, second))

    def test_parallel(self):
        image = an_image('importing', 1000, stores='a', targets='abc',
                         importing=True)
        answered = describe(
            image, staged(), finished(), a_record('b', bytes_written=500),
            a_record('c', bytes_written=0))
        self.assert_phase('import', 50.0, answered)
        self.assert_states(
            {'a': 'finished', 'b': 'uploading', 'c': 'uploading',
             wire.STAGING_STORE: 'finished'}, answered)

    def test_one_of_unknown_size(self):
        image = an_image('importing', targets='ab', importing=True)
        self.assert_phase('import', None, describe(
            image, a_record(total_bytes=None), finished('b')))

    def test_second_of_two_comes_late(self):
        """The first counts, however long ago it was."""
        image = an_image('importing', 1000, stores='a', targets='b',
                         importing=True)
        for now in (NOW, LATER):
            self.assert_phase('import', 50.0, describe(
                image, staged(), finished(sequence=2), now=now))

    def test_last_store_is_done(self):
        self.assert_phase('import', 99.9, describe(
            an_image('importing', 1000, stores='ab', importing=True),
            staged(), finished(), finished('b', sequence=2)))

    def test_active_while_the_stores_are_still_listed(self):
        # A parallel import takes all stores off the list at its very end.
        image = an_image(size=1000, stores='abc', targets='abc',
                         importing=True)
        self.assertFalse(image.in_transit)
        self.assert_phase('done', 100.0, describe(image, finished()))

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
            describe(image, a_record('b', state=wire.FAILED),
                     staged(sequence=2), a_record('a', sequence=3)))


class TestCopy(TestCase):

    IMAGE = an_image(size=1000, stores='a', targets='bc', importing=True)

    def test_the_store_that_is_copied_from_does_not_count(self):
        source = finished(request_id='req-1')
        self.assert_phase('copy', 0.0, describe(
            self.IMAGE, source, now=LATER))
        # not even if it was filled a moment ago
        again = staged(sequence=2)
        self.assert_phase('copy', 0.0, describe(self.IMAGE, source, again))
        first = a_record('b', sequence=3, request_id='req-2')
        self.assert_phase('copy', 12.5, describe(
            self.IMAGE, source, again, first))

    def test_second_of_two(self):
        image = an_image(
            size=1000, stores='ab', targets='c', importing=True)
        records = [
            finished(), staged(sequence=2),
            finished('b', sequence=3, request_id='req-2')]
        self.assert_phase('copy', 50.0, describe(image, *records))
        records.append(a_record('c', sequence=4, request_id='req-2'))
        self.assert_phase('copy', 62.5, describe(image, *records))

    def test_end_of_the_first_record_was_lost(self):
        answered = describe(self.IMAGE, a_record(), now=LATER)
        self.assertEqual('finished', answered['stores'][0]['state'])

    def test_done(self):
        for importing in (True, False):  # the lock is taken off last
            self.assert_phase('done', 100.0, describe(
                an_image(size=1000, stores='abc', importing=importing),
                finished('c')))


class TestAnything(TestCase):

    @hypothesis.given(
        images(), st.lists(test_wire.records(), max_size=4),
        test_wire.TIMES, st.booleans())
    def test_any(self, image, records, now, admin):
        records = {
            store: test_wire.dataclasses.replace(
                record, image_id=base.IMAGE, store=store)
            for store, record in zip(STORES[::-1], records)}
        answered = shown.describe(
            image, records, now, STALLED_AFTER, admin)
        json.dumps(answered, allow_nan=False)
        percent = answered['percent']
        self.assertTrue(percent is None or 0 <= percent <= 100)
        self.assertEqual(answered['phase'] == 'done', percent == 100)
        for each in answered['stores']:
            percent = each['percent']
            self.assertTrue(percent is None or 0 <= percent <= 100)
            self.assertEqual(each['state'] == 'finished', percent == 100)
            self.assertEqual(admin and each['sequence'] is not None,
                             'host' in each)
        # Nothing else is left out than what has been removed, and failures
        # that an upload has come after, the last of which is told beside it.
        for store in set(records).difference(
                each['store'] for each in answered['stores']):
            if records[store].state != 'finished':
                self.assertEqual(('saving', 'failed'), (
                    image.status, records[store].state))
                self.assertIsNotNone(answered['last_failure'])

    @hypothesis.given(images())
    def test_in_transit_is_at_work_or_failed(self, image):
        if image.in_transit and not image.at_work:
            self.assertEqual('failed', describe(image)['phase'])


class TestDeleted(TestCase):

    def test_phase(self):
        for status in ('deleted', 'pending_delete'):
            answered = describe(
                an_image(status), a_record(state=wire.FAILED, failure='No.'))
            self.assertEqual('failed', answered['phase'])
            self.assertEqual('No.', answered['last_failure']['failure'])

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


class TestSilence(TestCase):

    def silent(self, image, *records, changed_at=1000.25, now=LATER,
               after=10):
        answered = describe(
            dataclasses.replace(image, changed_at=changed_at), *records,
            now=now, silent_after=after)
        if answered['silent_since'] is None:
            self.assertIsNone(answered['silent_since_iso'])
            self.assertNotEqual('unknown', answered['phase'])
            return False
        self.assertEqual(
            ('unknown', None, 1000.25, '1970-01-01T00:16:40Z'), tuple(
                answered[name] for name in (
                    'phase', 'percent', 'silent_since', 'silent_since_iso')))
        return True

    def test_nothing_was_heard_for_long(self):
        for status in ('saving', 'uploading'):
            self.assertTrue(self.silent(an_image(status)))

    def test_of_an_earlier_attempt(self):
        self.assertTrue(self.silent(
            an_image('saving'), a_record(state=wire.FAILED)))

    def test_something_was_heard(self):
        self.assertFalse(self.silent(an_image('saving'), a_record()))

    def test_it_may_have_been(self):
        saving = an_image('saving')
        self.assertFalse(self.silent(saving, now=1010.0))
        self.assertFalse(self.silent(saving, after=None))
        self.assertFalse(self.silent(saving, changed_at=None))

    def test_no_data_are_expected(self):
        for image in (an_image('queued'), an_image('active', stores='a'),
                      an_image('uploading', size=5)):
            self.assertFalse(self.silent(image))
