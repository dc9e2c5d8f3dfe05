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
from glance_progress.answer import pace
from glance_progress.records import wire
from tests.unit import base
from tests.unit import image_api


class TestOf(base.TestCase):

    def of(self, total, written=0, rate=1000, **fields):
        """Return when to look again at an upload of *total* bytes."""
        return pace.of(image_api.a_snapshot(now=1000, records=[base.a_record(
            total_bytes=total, bytes_written=written, rate=rate,
            updated_at=1000.0, **fields)]))

    def test_twenty_looks_at_what_is_left(self):
        for seconds, wanted in ((1, 1), (20, 1), (21, 2), (60, 3), (300, 15),
                                (90000, 15)):
            self.assertEqual(wanted, self.of(seconds * 1000))

    def test_never_after_the_end(self):
        for seconds in range(2, 400, 7):
            self.assertLessEqual(self.of(seconds * 1000), seconds)

    def test_nobody_knows(self):
        self.assertEqual(2, self.of(None))
        self.assertEqual(2, self.of(1000, rate=0))
        for status in ('queued', 'saving', 'importing'):
            self.assertEqual(2, pace.of(image_api.a_snapshot(
                status, importing=status == 'importing')))

    def test_the_first_store_to_end(self):
        def record(store, total):
            return base.a_record(store=store, total_bytes=total, rate=1000,
                                 bytes_written=0, updated_at=1000.0)
        self.assertEqual(3, pace.of(image_api.a_snapshot(now=1000, records=[
            record('a', 60000), record('b', 300000)])))

    def test_nothing_more_to_come(self):
        self.assertIsNone(pace.of(image_api.finished()))
        self.assertIsNone(pace.of(image_api.failed()))

    def test_hashing(self):
        read = base.a_record(
            store=wire.HASHED, total_bytes=100000, bytes_written=0, rate=1000,
            updated_at=1000.0)
        self.assertEqual(5, pace.of(image_api.a_snapshot(
            'active', now=1000, records=[read], size=100000, importing=True,
            hashing=True, stores=frozenset(['ceph']))))

    def test_list(self):
        self.assertEqual(2, pace.of_list([]))
        self.assertEqual(2, pace.of_list([image_api.finished()]))
        self.assertEqual(1, pace.of_list(
            [image_api.a_snapshot('queued'), image_api.uploading(900),
             image_api.finished()]))


class TestQueue(base.TestCase):

    def setUp(self):
        super().setUp()
        self.clock = self.useFixture(
            base.Clock('glance_progress.answer.pace'))
        self.queue = pace.Queue()

    def test_few(self):
        for wanted in (1, 15, 3):
            self.assertEqual(wanted, self.queue.next(wanted))

    def test_many_come_one_after_the_other(self):
        # As they come, and as they are told to come back
        times = [self.clock.now + n / 100 for n in range(100)]
        answers = []
        while times[0] < 1000100:
            self.clock.now = times.pop(0)
            answers.append(self.clock.now)
            times.append(self.clock.now + self.queue.next(1))
            times.sort()
        late = [each for each in answers if each >= 1000050]
        self.assertLessEqual(len(late), 51 * pace.PER_SECOND)
        self.assertGreaterEqual(len(late), 40 * pace.PER_SECOND)

    def test_those_who_come_anyway(self):
        for _ in range(10000):
            self.assertLessEqual(self.queue.next(1), pace.LATEST)
        self.clock.now += pace.LATEST
        self.assertEqual(1, self.queue.next(1))
