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

"""What is sent, when, and as what."""

from glance_progress import fixture
from glance_progress.records import publisher
from glance_progress.records import wire
from tests.unit import base
from tests.unit.records import publisher_base

LONG = publisher_base.LONG
TestCase = publisher_base.TestCase
step = publisher_base.step


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
