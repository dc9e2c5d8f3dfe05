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

"""What goes on with an image, and how much of it is done."""

import dataclasses

import hypothesis

from glance_progress.answer import database
from glance_progress.records import wire
from tests.unit import answer_base

NOW = answer_base.NOW
LATER = answer_base.LATER
REQUEST = answer_base.REQUEST
TestCase = answer_base.TestCase
a_record = answer_base.a_record
an_image = answer_base.an_image
describe = answer_base.describe
finished = answer_base.finished
staged = answer_base.staged


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

    def test_location(self):
        image = an_image('queued', importing=True,
                         lock=database.Lock('processing', locating=True))
        self.assert_phase('registering', None, describe(image))
        # The location is there first, and the status follows.
        answered = describe(dataclasses.replace(
            image, size=5, stores=frozenset('a')))
        self.assert_phase('registering', None, answered)
        self.assert_states({'a': 'waiting'}, answered)


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

    def test_second_attempt(self):
        self.assert_phase('upload', 0.0, describe(
            an_image('saving'), a_record(bytes_written=0, sequence=2)))

    def test_earlier_attempt_elsewhere(self):
        self.assert_phase('upload', 25.0, describe(
            an_image('saving'),
            finished('b', request_id='req-1'),
            a_record(sequence=2, request_id='req-2')))


class TestStaging(TestCase):

    def test_running(self):
        self.assert_phase('staging', 25.0, describe(
            an_image('uploading'), a_record(wire.STAGING_STORE)))

    def test_staged(self):
        self.assert_phase('staged', None, describe(
            an_image('uploading', 1000), staged()))

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


class TestImport(TestCase):

    def test_between_staging_and_the_first_store(self):
        self.assert_phase('import', 0.0, describe(
            an_image('importing', 1000, targets='ab', importing=True),
            staged()))

    def test_serial(self):
        image = an_image('importing', 1000, targets='ab', importing=True)
        first = a_record(request_id=REQUEST)
        answered = describe(image, staged(), first)
        self.assert_phase('import', 12.5, answered)

        # Glance takes a store that is done off the list.
        image = an_image('importing', 1000, stores='a', targets='b',
                         importing=True)
        first = finished(request_id=REQUEST)
        self.assert_phase('import', 50.0, describe(image, staged(), first))
        second = a_record('b', sequence=2, request_id=REQUEST)
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

    def test_one_decimal(self):
        self.assert_phase('import', 3.3, describe(
            an_image('importing', 1000, targets='abc', importing=True),
            a_record(bytes_written=100, request_id=REQUEST)))

    def test_one_of_unknown_size(self):
        image = an_image('importing', targets='ab', importing=True)
        self.assert_phase('import', None, describe(
            image, a_record(total_bytes=None), finished('b')))

    def test_second_of_two_comes_late(self):
        """The first counts, however long ago it was."""
        # Where not all stores must succeed, the first makes it active.
        for status, phase in ('importing', 'import'), ('active', 'copy'):
            image = an_image(status, 1000, stores='a', targets='b',
                             importing=True)
            for now in (NOW, LATER):
                self.assert_phase(phase, 50.0, describe(
                    image, staged(), finished(sequence=2, request_id=REQUEST),
                    now=now))

    def test_one_of_three_has_failed(self):
        """The staging area's record says why, and is the newest then."""
        why = a_record(wire.STAGING_STORE, state=wire.FAILED, sequence=5,
                       request_id=REQUEST)
        self.assert_phase('copy', 50.0, describe(
            an_image(size=1000, stores='a', targets='c', failed='b',
                     importing=True),
            finished(request_id=REQUEST), why))

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


class TestCopy(TestCase):

    IMAGE = an_image(size=1000, stores='a', targets='bc', importing=True)

    def test_the_store_that_is_copied_from_does_not_count(self):
        source = finished(request_id='req-1')
        again = staged(sequence=2, request_id=REQUEST)
        # not even if it was filled a moment ago
        for now in (NOW, LATER):
            self.assert_phase('copy', 0.0, describe(
                self.IMAGE, source, now=now))
            self.assert_phase('copy', 0.0, describe(
                self.IMAGE, source, again, now=now))
        first = a_record('b', sequence=3, request_id=REQUEST)
        self.assert_phase('copy', 12.5, describe(
            self.IMAGE, source, again, first))

    def test_nobody_knows_of_which_request(self):
        """What comes after staging is of the import, by all that is known."""
        copied = finished('b', sequence=3, request_id='req-9')
        for lock in None, database.Lock(), database.Lock('processing'):
            image = dataclasses.replace(
                self.IMAGE, lock=lock, stores=frozenset('ab'),
                targets=frozenset('c'))
            self.assert_phase('copy', 50.0, describe(
                image, finished(), staged(sequence=2), copied))

    def test_same_id_again(self):
        """It is the client's to choose; Nova copies many times with one."""
        before = [finished(request_id=REQUEST),
                  finished('b', sequence=1, request_id=REQUEST)]
        again = staged(sequence=2, request_id=REQUEST)
        answered = describe(self.IMAGE, *before, again)
        self.assert_phase('copy', 0.0, answered)
        self.assert_states({'a': 'finished', 'b': 'waiting', 'c': 'waiting',
                            wire.STAGING_STORE: 'finished'}, answered)
        failed = a_record('b', state=wire.FAILED, request_id=REQUEST)
        self.assert_phase('copy', 0.0, describe(self.IMAGE, failed, again))

    def test_after_one_that_has_failed(self):
        before = a_record('b', state=wire.FAILED, request_id='req-1')
        self.assert_phase('copy', 0.0, describe(self.IMAGE, before))
        self.assert_states(
            {'a': 'finished', 'b': 'waiting', 'c': 'waiting'},
            describe(self.IMAGE, before))

    def test_second_of_two(self):
        image = an_image(
            size=1000, stores='ab', targets='c', importing=True)
        records = [
            finished(request_id='req-1'), staged(sequence=2),
            finished('b', sequence=3, request_id=REQUEST)]
        for now in (NOW, LATER):
            self.assert_phase('copy', 50.0, describe(
                image, *records, now=now))
        records.append(a_record('c', sequence=4, request_id=REQUEST))
        self.assert_phase('copy', 62.5, describe(image, *records))

    def test_done(self):
        for importing in (True, False):  # the lock is taken off last
            self.assert_phase('done', 100.0, describe(
                an_image(size=1000, stores='abc', importing=importing),
                finished('c')))


class TestAnything(TestCase):

    @hypothesis.given(answer_base.images())
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
            self.assertEqual('done', describe(an_image(status))['phase'])
