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

import time

from glance_progress.records import reader
from glance_progress.records import wire
from tests.unit import base


class Client:
    """Stands in for memcached.Memcached."""

    def __init__(self, *answers):
        self.answers = answers

    def get_many(self, keys):
        self.keys = list(keys)
        return list(self.answers)


def answer(*records):
    return {record.key: record.to_json() for record in records}


class TestReader(base.TestCase):

    def read(self, *answers, images=(base.IMAGE,), stores=('ceph', 'b')):
        self.client = Client(*answers)
        return reader.Reader(self.client).read(iter(images), iter(stores))

    def test_all_places_are_asked_for_at_once(self):
        self.read(images=['i', 'j'], stores=['a', 'b'])
        self.assertEqual(
            ['glance_progress:%s:%s' % (i, s) for i in 'ij' for s in 'ab'],
            self.client.keys)

    def test_no_server_answers(self):
        self.assertIsNone(self.read())

    def test_nothing_is_known(self):
        self.assertEqual({}, self.read({}, {}))

    def test_found(self):
        one, other = base.a_record(), base.a_record(store='b')
        expected = {(base.IMAGE, 'ceph'): one, (base.IMAGE, 'b'): other}
        self.assertEqual(expected, self.read(answer(one, other)))
        self.assertEqual(expected, self.read(answer(one), answer(other)))

    def test_the_newest_wins(self):
        oldest = base.a_record(sequence=1, updated_at=3000.0)
        older = base.a_record(sequence=2, updated_at=2000.0)
        newest = base.a_record(sequence=2, updated_at=2001.0)
        for answers in ((oldest, older, newest), (newest, older, oldest),
                        (older, newest, oldest)):
            self.assertEqual(
                {(base.IMAGE, 'ceph'): newest},
                self.read(*(answer(record) for record in answers)))

    def looks(self, *records):
        """Return what is found by one who looks at each, in turn."""
        self.client = Client()
        under_test = reader.Reader(self.client)
        found = []
        for record in records:
            self.client.answers = [answer(record)]
            found.append(under_test.read(
                [record.image_id], [record.store])[base.IMAGE, record.store])
        return found

    def test_a_server_comes_back_with_what_was_before(self):
        before = base.a_record(bytes_written=1)
        for after in (base.a_record(bytes_written=2),
                      # by a clock that was set back
                      base.a_record(bytes_written=2, updated_at=1.0),
                      base.a_record(state=wire.FAILED, failure='x'),
                      base.a_record(state=wire.FINISHED)):
            self.assertEqual([before, after, after],
                             self.looks(before, after, before))

    def test_a_server_comes_back_with_an_attempt_before(self):
        first, second = (base.a_record(sequence=number) for number in (1, 2))
        self.assertEqual([first, second, second],
                         self.looks(first, second, first))

    def test_a_server_that_comes_back_moves_nothing(self):
        """An age is not that of what has moved just now."""
        now = time.time()
        before = base.a_record(bytes_written=1, updated_at=now - 100)
        after = base.a_record(state=wire.FAILED, failure='x',
                              updated_at=now - 90)
        *_, found = self.looks(after, before)
        self.assertAlmostEqual(90, found.age(time.time()), delta=5)

    def test_what_comes_after_is_not_of_before(self):
        ended = base.a_record(bytes_written=5, state=wire.FINISHED)
        for after in (
                base.a_record(bytes_written=0, sequence=ended.sequence + 1),
                # where memcached had forgotten the one before
                base.a_record(bytes_written=0, sequence=ended.sequence - 1),
                base.a_record(state=wire.FAILED, failure='x')):
            self.assertEqual([ended, after], self.looks(ended, after))
        staged = base.a_record(store=wire.STAGING_STORE, bytes_written=5)
        converted = base.a_record(store=wire.STAGING_STORE, bytes_written=0,
                                  phase=wire.CONVERTING)
        self.assertEqual([staged, converted], self.looks(staged, converted))

    def test_what_is_no_record_is_ignored_and_logged_once(self):
        key = base.a_record().key
        good = base.a_record(store='b')
        self.client = Client({key: b'what?', **answer(good)})
        under_test = reader.Reader(self.client)
        for _ in range(2):
            self.assertEqual({(base.IMAGE, 'b'): good},
                             under_test.read([base.IMAGE], ['ceph', 'b']))
        self.assertEqual(1, self.log.output.count(key))

    def test_a_record_of_something_else_is_ignored(self):
        key = base.a_record().key
        for other in (base.a_record(store='b'), base.a_record(image_id='x')):
            self.assertEqual({}, self.read({key: other.to_json()}))
            self.assertIn(key, self.log.output)


class TestClocks(base.TestCase):
    """Writers whose clocks are an hour off, seen by one who looks again."""

    HOUR = 3600.0
    STALLED_AFTER = 60

    def setUp(self):
        super().setUp()
        self.now = 10 ** 6
        self.patch('time.time', lambda: 10 ** 9 + self.now)
        self.patch('time.monotonic', lambda: self.now)
        self.reader = reader.Reader(None)

    def look(self, written, moved, clock):
        """Return age and whether it is stalled, of what moved then."""
        record = base.a_record(
            bytes_written=written, updated_at=10 ** 9 + moved + clock,
            sequence=int(self.HOUR + clock))  # an attempt for each clock
        self.reader._client = Client(answer(record))
        found, = self.reader.read([base.IMAGE], ['ceph']).values()
        now = 10 ** 9 + self.now
        return (found.age(now), found.stalled(now, self.STALLED_AFTER))

    def test_one_that_moves(self):
        for clock in -self.HOUR, 0.0, self.HOUR:
            self.now += 10
            self.look(1, self.now, clock)
            for written in range(2, 5):
                self.now += 5
                age, stalled = self.look(written, self.now - 1, clock)
                self.assertLessEqual(age, 5)
                self.assertFalse(stalled)

    def test_one_that_stands_still(self):
        for clock in -self.HOUR, 0.0, self.HOUR:
            self.now += 10
            begun = self.now
            self.look(1, begun, clock)
            self.now += 5
            self.look(2, begun + 4, clock)
            self.now += 65
            age, stalled = self.look(2, begun + 4, clock)
            self.assertTrue(stalled)
            self.assertAlmostEqual(66, age, delta=3)

    def test_first_look(self):
        """The clocks are all that there is."""
        self.assertEqual((0.0, False), self.look(1, self.now, self.HOUR))
        self.now += 65
        self.assertTrue(self.look(1, self.now - 65, self.HOUR)[1])

    def test_memory_is_bounded(self):
        self.patch('glance_progress.records.reader._REMEMBERED', 3)
        for number in range(9):
            record = base.a_record(image_id='image-%d' % number)
            self.reader._client = Client(answer(record))
            self.reader.read([record.image_id], ['ceph'])
        self.assertEqual(3, len(self.reader._seen))


class TestSecrets(base.TestCase):

    def test_who_has_signed(self):
        good = base.a_record()
        for secrets, expected in ((['s'], [good]), (['t', 's'], [good]),
                                  ([], [good]), (['t'], [])):
            found = reader.Reader(Client(
                {good.key: good.to_json(['s'])}), secrets).read(
                    [base.IMAGE], ['ceph'])
            self.assertEqual(expected, list(found.values()))
        self.assertEqual(1, self.log.output.count('none of our secrets'))
