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

import socket
import threading
from unittest import mock

from glance_progress.records import resolver
from tests.unit import base

ADDRESSES = [(socket.AF_INET, socket.SOCK_STREAM, 6, '', ('192.0.2.1', 1))]


class TestBoundedSockets(base.TestCase):

    def setUp(self):
        super().setUp()
        self.sockets = resolver.BoundedSockets(0.05)
        self.asked = []
        self.answered = threading.Event()
        self.addCleanup(self.answered.set)

    def hang(self, *args):
        """Stands in for a name server that does not answer."""
        self.asked.append(args)
        self.answered.wait(base.PATIENCE)
        return ADDRESSES

    def lookup(self, name='memcached.example', port=1):
        return self.sockets.getaddrinfo(name, port)

    def test_the_rest_is_the_socket_module(self):
        self.assertIs(socket.socket, self.sockets.socket)
        self.assertIs(socket.AF_UNIX, self.sockets.AF_UNIX)

    def test_numeric_addresses_ask_nobody(self):
        self.patch('glance_progress.records.resolver._getaddrinfo', self.hang)
        for address in ('192.0.2.1', '2001:db8::1'):
            found = self.sockets.getaddrinfo(
                address, 1, 0, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            self.assertEqual(address, found[0][4][0])
        self.assertEqual([], self.asked)

    def test_name(self):
        args = ('localhost', 80, socket.AF_UNSPEC, socket.SOCK_STREAM,
                socket.IPPROTO_TCP)
        self.assertEqual(
            socket.getaddrinfo(*args),
            resolver.BoundedSockets(base.PATIENCE).getaddrinfo(*args))

    def test_unknown_name(self):
        self.sockets = resolver.BoundedSockets(base.PATIENCE)
        self.assertRaises(socket.gaierror, self.lookup, 'x\x00y')
        self.assertRaises(UnicodeError, self.lookup, 'a..b')

    def test_gives_up(self):
        self.patch('glance_progress.records.resolver._getaddrinfo', self.hang)
        exc = self.assertRaises(TimeoutError, self.lookup)
        self.assertIn('memcached.example', str(exc))

    def test_one_that_hangs_is_joined(self):
        self.patch('glance_progress.records.resolver._getaddrinfo', self.hang)
        for _ in range(3):
            self.assertRaises(TimeoutError, self.lookup)
        self.assertEqual(
            [('memcached.example', 1, 0, 0, 0)], self.asked)
        self.assertRaises(TimeoutError, self.lookup, port=2)
        self.assertEqual(2, len(self.asked))

    def test_no_thread_is_left(self):
        with mock.patch('threading.Thread.start', autospec=True,
                        side_effect=RuntimeError):
            self.assertRaises(RuntimeError, self.lookup, 'localhost')
        self.sockets._timeout = base.PATIENCE
        self.assertTrue(self.lookup('localhost'))

    def test_an_answer_that_is_late_serves_the_next_attempt(self):
        self.patch('glance_progress.records.resolver._getaddrinfo', self.hang)
        self.assertRaises(TimeoutError, self.lookup)
        lookup, = self.sockets._lookups.values()
        self.answered.set()
        lookup.join(base.PATIENCE)
        self.assertTrue(lookup.daemon)
        self.assertEqual(ADDRESSES, self.lookup())
        self.assertEqual(1, len(self.asked))
        # but none after that, since addresses change
        self.lookup()
        self.assertEqual(2, len(self.asked))

    def test_a_failure_that_is_late_is_forgotten(self):
        def fail(*args):
            self.hang(*args)
            if len(self.asked) == 1:
                raise socket.gaierror('no answer')
            return ADDRESSES

        self.patch('glance_progress.records.resolver._getaddrinfo', fail)
        self.assertRaises(TimeoutError, self.lookup)
        lookup, = self.sockets._lookups.values()
        self.answered.set()
        lookup.join(base.PATIENCE)
        self.assertEqual(ADDRESSES, self.lookup())
