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

import threading

from glance_progress import fixture
from glance_progress.records import publisher
from glance_progress.records import wire
from tests.unit import base

#: An interval that no test lives to see the end of.
LONG = 3600


class Client:
    """Stands in for memcached.Memcached and records what it is given."""

    def __init__(self):
        self.calls = []
        self.stored = {}
        self.refused = ()  # keys, or True for all
        self.error = None
        self.resting = False
        self.open = threading.Event()
        self.open.set()
        self.changed = threading.Condition()

    def set_many(self, values, ttl):
        with self.changed:
            self.calls.append((dict(values), ttl))
            self.changed.notify_all()
        self.open.wait(base.PATIENCE)
        if self.error:
            raise self.error
        refused = [key for key in values
                   if self.refused is True or key in self.refused]
        self.stored.update(
            {k: v for k, v in values.items() if k not in refused})
        return refused

    def get_many(self, keys):
        if self.error:
            raise self.error
        return [{}, {k: self.stored[k] for k in keys if k in self.stored}]

    def wait_for_calls(self, count, timeout=base.PATIENCE):
        with self.changed:
            return self.changed.wait_for(
                lambda: len(self.calls) >= count, timeout)

    @property
    def sent(self):
        """The records of each call."""
        return [[wire.Record.from_json(v) for k, v in values.items()
                 if k.startswith('glance_progress:')]
                for values, _ in self.calls]


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.client = Client()
        self.addCleanup(self.client.open.set)
        self.publisher = self.publish()

    def publish(self, interval=LONG, legacy_ttl=None):
        return publisher.Publisher(self.client, interval, 600, legacy_ttl)

    def send(self, one):
        self.publisher.post(one, urgent=True)
        self.publisher.wait(one.key, base.PATIENCE)

    def flush(self):
        self.assertTrue(self.publisher.flush(base.PATIENCE))


def step(number, **fields):
    return base.a_record(
        bytes_written=number, updated_at=1010.0 + number, **fields)


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


class TestThrottle(TestCase):

    def test_nothing_to_send(self):
        self.flush()
        self.assertEqual([], self.client.calls)

    def test_the_first_goes_at_once(self):
        self.publisher.post(step(0))
        self.assertTrue(self.client.wait_for_calls(1))
        self.assertEqual([({step(0).key: step(0).to_json()}, 600)],
                         self.client.calls)

    def test_updates_wait_and_the_newest_wins(self):
        self.send(step(0))
        for number in range(1, 100):
            self.publisher.post(step(number))
        self.publisher.wait(step(0).key, 0.1)
        self.assertEqual(1, len(self.client.calls))
        self.flush()
        self.assertEqual([[step(0)], [step(99)]], self.client.sent)

    def test_updates_go_when_the_interval_is_over(self):
        self.publisher = self.publish(interval=0.05)
        self.send(step(0))
        for number in (1, 2, 3):
            self.publisher.post(step(number))
            self.assertTrue(self.client.wait_for_calls(1 + number))
        self.assertEqual([[step(n)] for n in range(4)], self.client.sent)

    def test_what_is_sent_is_not_sent_again(self):
        self.publisher = self.publish(interval=0.01)
        self.send(step(0))
        self.assertFalse(self.client.wait_for_calls(2, timeout=0.1))

    def test_urgent_ones_go_at_once_and_take_the_others_along(self):
        self.send(step(0))
        self.publisher.post(step(1))
        self.publisher.post(step(2, store='b'), urgent=True)
        self.assertTrue(self.client.wait_for_calls(2))
        self.assertEqual([step(1), step(2, store='b')], self.client.sent[1])

    def test_after_urgent_ones_the_others_wait_again(self):
        self.send(step(0))
        self.send(step(0))
        self.publisher.post(step(1))
        self.publisher.wait(step(1).key, 0.1)
        self.assertEqual(2, len(self.client.calls))

    def test_posting_does_not_wait(self):
        self.client.open.clear()
        self.publisher.post(step(0))
        self.assertTrue(self.client.wait_for_calls(1))
        self.publisher.post(step(1), urgent=True)
        self.assertFalse(self.publisher.flush(0.05))
        self.client.open.set()
        self.flush()
        self.assertEqual([[step(0)], [step(1)]], self.client.sent)


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


class TestWait(TestCase):

    def wait(self, timeout=base.PATIENCE):
        self.publisher.wait(step(0).key, timeout)

    def test_until_sent(self):
        self.client.open.clear()
        self.publisher.post(step(0))
        waited = self.in_thread(self.wait)
        self.assertTrue(self.client.wait_for_calls(1))
        self.wait(0.01)
        self.assertEqual({}, self.client.stored)
        self.client.open.set()
        waited()
        self.assertEqual([step(0).key], list(self.client.stored))

    def test_until_it_could_not_be_sent(self):
        self.client.refused = True
        self.publisher.post(step(0))
        self.wait()
        self.assertEqual(1, len(self.client.calls))

    def test_for_nothing(self):
        self.wait()


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


class TestLegacyKeys(TestCase):

    def keys(self):
        return [(sorted(values), ttl) for values, ttl in self.client.calls]

    total = base.IMAGE + '_total_size'
    uploading = base.IMAGE + '_uploading_size'

    def test_off(self):
        self.send(step(0))
        self.assertEqual([([step(0).key], 600)], self.keys())

    def test_together(self):
        self.publisher = self.publish(legacy_ttl=600)
        self.send(step(7))
        self.assertEqual(
            [([self.total, self.uploading, step(0).key], 600)], self.keys())
        self.assertEqual(b'1000', self.client.stored[self.total])
        self.assertEqual(b'7', self.client.stored[self.uploading])

    def test_apart(self):
        self.publisher = self.publish(legacy_ttl=700)
        self.send(step(0))
        self.assertEqual(
            [([step(0).key], 600), ([self.total, self.uploading], 700)],
            self.keys())

    def test_are_retried_with_their_record(self):
        for ttl in (600, 700):
            self.client.calls.clear()
            self.publisher = self.publish(legacy_ttl=ttl)
            self.client.refused = (self.uploading,)
            self.publisher.post(step(0))
            self.publisher.wait(step(0).key, base.PATIENCE)
            self.assertFalse(self.publisher.flush(0.01))
            self.client.refused = ()
            self.flush()
            self.assertEqual(
                {step(0).key, self.total, self.uploading},
                set(self.client.stored))


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


class TestSecrets(TestCase):

    def publish(self, interval=LONG, legacy_ttl=None):
        return publisher.Publisher(
            self.client, interval, 600, legacy_ttl, secrets=['a', 'b'])

    def test_signed(self):
        self.send(step(1))
        value = self.client.stored[step(1).key]
        self.assertEqual(step(1), wire.Record.from_json(value, ['a']))
        self.assertRaises(wire.InvalidRecord,
                          wire.Record.from_json, value, ['b'])


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


class TestProcess(base.TestCase):

    def setUp(self):
        super().setUp()
        self.server = self.useFixture(base.Server())
        self.useFixture(fixture.Process())

    def get(self, *lines):
        return publisher.get(self.config('\n'.join((
            '[glance_progress]',
            'memcached_servers = ' + self.server.address) + lines)))

    def ttls(self, *lines):
        under_test = self.get(*lines)
        under_test.post(base.a_record())
        self.assertTrue(under_test.flush(base.PATIENCE))
        return {key.rpartition('_')[2]: ttl
                for _, key, ttl in (
                    command for command in self.server.commands
                    if command[0] == 'set')}

    def test_defaults(self):
        self.assertEqual(
            {'progress:%s:ceph' % base.IMAGE: 86400, 'size': 86400},
            self.ttls())

    def test_options(self):
        self.assertEqual(
            {'progress:%s:ceph' % base.IMAGE: 600, 'size': 700},
            self.ttls('record_ttl = 600', 'legacy_ttl = 700'))

    def test_no_legacy_keys(self):
        self.assertEqual(
            {'progress:%s:ceph' % base.IMAGE: 86400},
            self.ttls('legacy_keys = false'))

    def test_one_a_process(self):
        one = self.get()
        self.assertIs(one, self.get())
        self.assertEqual('True', base.in_child(
            lambda: str(self.get() is not one)))

    def test_what_is_pending_at_exit_is_sent(self):
        publisher._flush_at_exit()
        self.assertEqual([], self.server.commands)
        under_test = self.get('update_interval = 60')
        under_test.post(step(0))
        under_test.flush(base.PATIENCE)
        under_test.post(step(1))
        publisher._flush_at_exit()
        self.assertEqual(
            step(1).to_json(), self.server.values[step(1).key])
