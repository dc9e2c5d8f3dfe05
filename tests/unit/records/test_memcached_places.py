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

"""Which of several servers have a key."""

import contextlib
import itertools
import os

import fixtures
import hypothesis
from hypothesis import strategies as st
from pymemcache.client import hash as pymemcache_hash
from pymemcache.client import rendezvous

from glance_progress.records import memcached
from glance_progress.records import wire
from tests.unit import base
from tests.unit.records import memcached_base


class TestPlacement(memcached_base.TestCase):

    def setUp(self):
        super().setUp()
        socket = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'socket')
        self.servers = [
            self.server(), self.server(), self.server(address=socket)]
        self.ours = self.client(*self.servers)
        self.theirs = pymemcache_hash.HashClient(
            [server.address for server in self.servers])

    @hypothesis.settings(max_examples=30)
    @hypothesis.given(st.sets(st.builds(wire.key, st.text(), st.text())))
    def test_is_that_of_hashclient(self, keys):
        values = {key: key.encode() for key in keys}
        self.assertEqual([], self.ours.set_many(values, 60))
        for key, value in values.items():
            self.assertEqual(value, self.theirs.get(key))

    def test_is_spread(self):
        self.ours.set_many({str(i): b'' for i in range(100)}, 60)
        for server in self.servers:
            self.assertGreater(len(server.values), 10)

    def test_names(self):
        for address, name in (
            ('a', 'a:11211'), ('a:1', 'a:1'), ('[::1]:2', '::1:2'),
            ('unix:/run/m', '/run/m'),
        ):
            self.assertEqual(name, memcached.Server(address).name)


class TestRest(memcached_base.TestCase):
    """One of them is left alone for a while."""

    def setUp(self):
        super().setUp()
        self.clock = self.useFixture(
            base.Clock('glance_progress.records.memcached'))

    def test_others_take_its_keys(self):
        servers = [self.server(), self.server()]
        client = self.client(*servers)
        values = {str(i): b'' for i in range(20)}
        client.set_many(values, 60)
        own = set(servers[0].values)
        servers[0].stop()

        self.assertEqual(own, set(client.set_many(values, 60)))
        self.assertEqual([], client.set_many(values, 60))
        self.assertEqual(set(values), set(servers[1].values))

    def test_others_are_not_left_with_what_is_old(self):
        servers = [self.server() for _ in range(3)]
        writer = self.client(*servers)
        values = {str(i): b'1' for i in range(30)}
        writer.set_many(values, 60)
        own = set(servers[0].values)
        servers[0].stop()
        writer.set_many(dict.fromkeys(values, b'2'), 60)
        writer.set_many(dict.fromkeys(values, b'3'), 60)
        servers[0].start()
        self.clock.now += 5
        writer.set_many(dict.fromkeys(values, b'4'), 60)
        for server in servers:
            self.assertEqual({b'4'}, set(server.values.values()))
            self.assertLessEqual(own, set(server.values))
        for key in values.keys() - own:
            self.assertEqual(1, sum(key in each.values for each in servers))


class TestComesAndGoes(memcached_base.TestCase):
    """Of three servers two go, and come back with what they held."""

    #: What happens, to which of the two, and after how many seconds.
    _STEPS = st.lists(st.tuples(
        st.sampled_from(['go', 'come', 'write', 'read']),
        st.integers(0, 1), st.integers(0, 5)), min_size=5, max_size=40)

    @hypothesis.settings(max_examples=100, deadline=None)
    @hypothesis.given(st.integers(0, 2), _STEPS)
    # The writer finds a server again before a reader does.
    @hypothesis.example(0, [
        ('go', 0, 0), ('write', 0, 0), ('write', 0, 0), ('read', 0, 2),
        ('come', 0, 1), ('write', 0, 2), ('read', 0, 0)])
    # Another one goes while the writer still leaves the first alone.
    @hypothesis.example(0, [
        ('write', 0, 0), ('go', 0, 0), ('write', 0, 0), ('write', 0, 0),
        ('come', 0, 1), ('go', 1, 0), ('read', 0, 0)])
    def test_nothing_old_is_found(self, home, steps):
        """No reader finds what is older than what was taken last."""
        clock = base.Clock('glance_progress.records.memcached')
        with contextlib.ExitStack() as stack:
            stack.enter_context(clock)
            servers = [stack.enter_context(base.Server()) for _ in range(3)]
            places = rendezvous.RendezvousHash(
                nodes=[server.address for server in servers])
            key = next(
                key for key in map(str, itertools.count())
                if places.get_node(key) == servers[home].address)
            writer = self.client(*servers)
            readers = [self.client(*servers) for _ in range(2)]
            there = {0, 1}
            value = taken = 0
            for what, which, pause in steps:
                clock.now += pause
                if what == 'go' and which in there:
                    there.remove(which)
                    servers[which].stop()
                elif what == 'come' and which not in there:
                    there.add(which)
                    servers[which].start()
                elif what == 'write':
                    value += 1
                    if not writer.set_many({key: b'%d' % value}, 60):
                        taken = value
                elif what == 'read':
                    found = [int(answer[key]) for answer
                             in readers[which].get_many([key])
                             if key in answer]
                    self.assertGreaterEqual(
                        max(found, default=taken), taken)
