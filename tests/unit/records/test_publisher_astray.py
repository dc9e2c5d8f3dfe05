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

"""What becomes of records that could not be sent, and after a fault."""

from tests.unit import base
from tests.unit.records import publisher_base

TestCase = publisher_base.TestCase
step = publisher_base.step


class TestRetry(TestCase):

    def setUp(self):
        super().setUp()
        self.client.refused = True
        self.publisher.post(step(0))
        self.publisher.wait(step(0).key, base.PATIENCE)

    def deliver(self, one):
        self.publisher.post(one)
        self.flush()

    def test_is_sent_again_with_the_next(self):
        self.client.refused = ()
        self.deliver(step(1, store='b'))
        self.assertEqual([step(0), step(1, store='b')], self.client.sent[-1])
        self.flush()
        self.assertEqual(2, len(self.client.calls))

    def test_is_sent_again_after_the_interval(self):
        self.publisher = self.publish(interval=0.05)
        self.publisher.post(step(0))
        self.assertTrue(self.client.wait_for_calls(3))
        self.client.refused = ()
        self.flush()

    def test_flush_tells_of_it(self):
        self.assertFalse(self.publisher.flush(0.05))

    def test_a_newer_one_takes_its_place(self):
        self.client.refused = ()
        self.deliver(step(1))
        self.assertEqual([[step(0)], [step(1)]], self.client.sent)

    def test_a_newer_one_that_came_meanwhile_takes_its_place(self):
        self.client.open.clear()
        self.publisher.post(step(1), urgent=True)
        self.assertTrue(self.client.wait_for_calls(1))
        self.publisher.post(step(2))
        self.client.open.set()
        self.publisher.wait(step(2).key, base.PATIENCE)
        self.client.refused = ()
        self.flush()
        self.assertEqual([step(2)], self.client.sent[-1])

    def test_is_not_sent_over_a_newer_one_of_another_process(self):
        newer = step(9, sequence=2)
        self.client.stored[newer.key] = newer.to_json()
        self.client.refused = ()
        self.flush()
        self.assertEqual(newer.to_json(), self.client.stored[newer.key])

    def assert_sent_over(self, stored):
        self.client.stored[step(0).key] = stored
        self.client.refused = ()
        self.flush()
        self.assertEqual(
            step(0).to_json(), self.client.stored[step(0).key])

    def test_is_sent_over_an_older_one(self):
        self.assert_sent_over(step(0, sequence=0).to_json())

    def test_is_sent_over_what_is_no_record(self):
        self.assert_sent_over(b'what?')

    def test_one_in_time_is_not_checked(self):
        self.client.refused = ()
        self.deliver(step(0))
        newer = step(9, sequence=2)
        self.client.stored[newer.key] = newer.to_json()
        self.deliver(step(1))
        self.assertEqual(step(1).to_json(), self.client.stored[newer.key])


class TestServerThatComesBack(TestCase):
    """What was sent while a server rested is sent to it as well."""

    def setUp(self):
        super().setUp()
        self.patch('glance_progress.records.memcached.RETRY_AFTER', 0.02)
        self.publisher = self.publish(interval=0.01)
        self.client.resting = True
        self.send(step(1))

    def test_it_is_told(self):
        self.client.resting = False
        self.assertTrue(self.client.wait_for_calls(2))
        self.assertEqual([[step(1)], [step(1)]], self.client.sent)
        self.assertFalse(self.client.wait_for_calls(3, timeout=0.1))

    def test_not_while_it_rests(self):
        self.assertFalse(self.client.wait_for_calls(2, timeout=0.1))

    def test_it_fails_again(self):
        self.client.refused = True
        self.client.resting = False
        self.assertTrue(self.client.wait_for_calls(3))
        self.client.refused = ()
        self.client.resting = True
        self.flush()
        calls = len(self.client.calls)
        self.client.resting = False
        self.assertTrue(self.client.wait_for_calls(calls + 1))
        self.assertEqual([step(1)], self.client.sent[-1])

    def test_the_newest_alone(self):
        self.send(step(2))
        self.client.resting = False
        self.assertTrue(self.client.wait_for_calls(3))
        self.assertEqual([step(2)], self.client.sent[-1])

    def test_an_attempt_after_it_stays(self):
        successor = step(0, sequence=2)
        self.client.stored[successor.key] = successor.to_json()
        self.client.resting = False
        self.assertTrue(self.client.wait_for_calls(2))
        self.assertEqual([], self.client.sent[-1])

    def test_it_is_bounded(self):
        self.patch('glance_progress.records.publisher.MAX_PENDING', 2)
        for store in 'abcd':
            self.send(step(1, store=store))
        self.client.resting = False
        self.assertTrue(self.client.wait_for_calls(6))
        self.assertEqual(['c', 'd'],
                         [each.store for each in self.client.sent[-1]])


class TestBound(TestCase):

    def setUp(self):
        super().setUp()
        self.patch('glance_progress.records.publisher.MAX_PENDING', 3)

    def stores(self):
        """Return the stores in the last call."""
        return [sent.store for sent in self.client.sent[-1]]

    def test_the_oldest_are_forgotten(self):
        self.send(step(0))
        for number in range(5):
            self.publisher.post(step(number, store=str(number)))
        self.send(step(5, store='2'))
        self.assertEqual(['3', '4', '2'], self.stores())

    def test_so_are_those_that_could_not_be_sent(self):
        self.client.refused = True
        self.client.open.clear()
        self.publisher.post(step(0, store='a'))
        self.assertTrue(self.client.wait_for_calls(1))
        for store in 'bcd':
            self.publisher.post(step(1, store=store))
        self.client.open.set()
        self.publisher.wait(step(0, store='a').key, base.PATIENCE)
        self.client.refused = ()
        self.flush()
        self.assertEqual(['b', 'c', 'd'], self.stores())
        self.assertEqual(set(), self.publisher._late)


class TestFaults(TestCase):

    def test_an_error_of_ours_is_logged_once_and_the_thread_goes_on(self):
        self.client.error = ZeroDivisionError('of ours')
        for number in range(3):
            self.send(step(number))
        self.assertEqual(1, self.log.output.count('Traceback'))
        self.assertIn('of ours', self.log.output)
        self.client.error = None
        self.send(step(3))
        self.assertEqual([step(3)], self.client.sent[-1])

    def test_the_records_of_others_do_not_suffer(self):
        self.send(step(0))
        self.client.open.clear()
        self.publisher.post(step(1, failure='x' * 5000, store='a'))
        self.publisher.post(step(1, store='b'))
        self.client.open.set()
        self.flush()
        self.assertEqual([step(1, store='b')], self.client.sent[-1])
        self.assertEqual(1, self.log.output.count('Traceback'))

    def test_a_dead_thread_is_replaced(self):
        self.client.error = SystemExit()  # what ends a thread
        self.publisher.post(step(0))
        self.publisher._thread.join(base.PATIENCE)
        self.client.error = None
        self.publisher.post(step(1), urgent=True)
        self.assertTrue(self.client.wait_for_calls(1))

    def test_where_threads_do_not_run(self):
        self.patch('glance_progress.process.runs_threads', lambda: False)
        for number in range(3):
            self.publisher.post(step(number), urgent=True)
        self.assertIsNone(self.publisher._thread)
        self.assertEqual(1, self.log.output.count('enable-threads = true'))
        self.publisher.wait(step(0).key, base.PATIENCE)
        self.flush()
        self.assertEqual([], self.client.calls)

    def test_no_thread_before_the_first_record(self):
        self.assertIsNone(self.publisher._thread)
        self.send(step(0))
        self.assertTrue(self.publisher._thread.daemon)
