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

"""Which of several records is the newest."""

from glance_progress.records import publisher
from glance_progress.records import wire
from tests.unit.records import publisher_base

LONG = publisher_base.LONG
TestCase = publisher_base.TestCase
step = publisher_base.step


class TestOrder(TestCase):

    def test_of_the_same_millisecond_the_last_one_is_the_newest(self):
        self.send(step(0))
        self.publisher.post(step(1))
        self.publisher.post(step(1, state=wire.FINISHED))
        self.flush()
        self.assertEqual(
            [step(1, state=wire.FINISHED)], self.client.sent[-1])

    def test_an_older_attempt_does_not_replace_a_waiting_one(self):
        self.send(step(0))
        self.publisher.post(step(1, sequence=2))
        self.send(step(5, sequence=1))
        self.assertEqual([step(1, sequence=2)], self.client.sent[-1])

    def test_an_older_attempt_does_not_replace_one_being_sent(self):
        self.client.open.clear()
        self.publisher.post(step(1, sequence=2))
        self.assertTrue(self.client.wait_for_calls(1))
        self.publisher.post(step(5, sequence=1))
        self.client.open.set()
        self.flush()
        self.assertEqual(step(1, sequence=2).to_json(),
                         self.client.stored[step(0).key])


class TestSequence(TestCase):
    """Attempts come one after the other, whatever the clocks of hosts say."""

    HOUR = 3600 * 10 ** 9

    def publish(self, interval=LONG, legacy_ttl=None):
        return publisher.Publisher(
            self.client, interval, 600, legacy_ttl,
            stores=['ceph', 'far', wire.STAGING_STORE])

    def put(self, **fields):
        before = step(0, **fields)
        self.client.stored[before.key] = before.to_json()

    def sequences(self, *records):
        for one in records:
            self.send(one)
        return [one.sequence for sent in self.client.sent for one in sent]

    def test_after_what_others_have_begun(self):
        for store in 'ceph', 'far', wire.STAGING_STORE:
            self.client.stored.clear()
            self.put(sequence=5 * self.HOUR, store=store)
            self.client.calls.clear()
            self.publisher = self.publish()
            self.assertEqual(
                [5 * self.HOUR + 1000] * 3, self.sequences(*(
                    step(number, sequence=4 * self.HOUR)
                    for number in range(3))))

    def test_clocks_agree(self):
        self.put(sequence=4 * self.HOUR)
        self.assertEqual([5 * self.HOUR], self.sequences(
            step(1, sequence=5 * self.HOUR)))

    def test_the_next_one(self):
        self.put(sequence=5 * self.HOUR)
        self.assertEqual(
            [5 * self.HOUR + 1000, 5 * self.HOUR + 2000],
            self.sequences(step(1, sequence=1), step(1, sequence=2)))

    def test_another_image(self):
        self.put(sequence=5 * self.HOUR, image_id='other')
        self.assertEqual([1], self.sequences(step(1, sequence=1)))

    def test_in_one_process(self):
        self.patch('time.time_ns', iter([5000, 4000, 9000]).__next__)
        self.patch('glance_progress.records.publisher._last_sequence', 0)
        self.assertEqual(
            [5000, 6000, 9000],
            [publisher.next_sequence() for _ in range(3)])
