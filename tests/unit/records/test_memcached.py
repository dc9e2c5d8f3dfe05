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

from allinone import black_hole
from glance_progress.records import memcached
from tests.unit import base
from tests.unit.records import memcached_base


class TestAnswers(memcached_base.TestCase):

    def test_one_round_trip(self):
        server = self.server()
        client = self.client(server)
        self.assertEqual([], client.set_many({'a': b'1', 'b': b'2'}, 77))
        self.assertEqual([('set', 'a', 77), ('set', 'b', 77)],
                         server.commands)
        server.commands.clear()
        self.assertEqual([{'a': b'1', 'b': b'2'}],
                         client.get_many(iter(['a', 'b', 'c'])))
        self.assertEqual([('get', 'a', 'b', 'c')], server.commands)
        self.assertEqual(1, server.accepted)

    def test_every_server_is_asked(self):
        servers = [self.server(), self.server()]
        for number, server in enumerate(servers):
            server.values['a'] = b'%d' % number
        self.assertEqual([{'a': b'0'}, {'a': b'1'}],
                         self.client(*servers).get_many(['a']))

    def test_add(self):
        server = self.server()
        client = self.client(server)
        self.assertTrue(client.add('a', b'1', 77))
        self.assertIs(False, client.add('a', b'2', 77))
        self.assertEqual(b'1', server.values['a'])
        self.assertEqual(('add', 'a', 77), server.commands[0])

    def test_nothing_to_do(self):
        server = self.server()
        self.assertEqual([], self.client(server).set_many({}, 60))
        self.assertEqual(0, server.accepted)


class TestFaults(memcached_base.TestCase):

    def assert_fails(self, server, timeout=base.PATIENCE):
        client = self.client(server, timeout=timeout)
        self.assertIsNone(client.add('a', b'1', 60))
        self.assertIsNone(client.add('a', b'1', 60))
        client = self.client(server, timeout=timeout)
        self.assertEqual(['a'], client.set_many({'a': b'1'}, 60))
        self.assertTrue(client.servers[0].resting)
        client = self.client(server, timeout=timeout)
        self.assertEqual([], client.get_many(['a']))
        self.assertTrue(client.servers[0].resting)

    def test_nobody_listens(self):
        server = self.server()
        server.stop()
        self.assert_fails(server)

    def test_black_hole(self):
        self.assert_fails(
            self.useFixture(black_hole.BlackHole()), timeout=0.05)

    def test_no_answer(self):
        self.assert_fails(self.server(base.silent), timeout=0.05)

    def test_hangs_up(self):
        self.assert_fails(self.server(lambda stream: None))

    def test_garbage(self):
        for answer in (
            b'\r\n', b'HTTP/1.1 400 Bad Request\r\n\r\n', b'\x00\xff\r\n',
            b'STORED', b'ERROR\r\n', b'SERVER_ERROR out of memory\r\n',
            b'CLIENT_ERROR bad data chunk\r\n', b'VALUE\r\n',
            b'VALUE a 0 x\r\n', b'VALUE b 0 1\r\n1\r\nEND\r\n',
            b'VALUE a 0 9\r\n1\r\n',
        ):
            self.assert_fails(self.server(base.answering(answer)))

    def test_impossible_name(self):
        class Nowhere:
            address = 'a..b:11211'

        self.assert_fails(Nowhere)

    def test_a_name_server_that_hangs(self):
        released = threading.Event()
        self.addCleanup(released.set)
        self.patch('glance_progress.records.resolver._getaddrinfo',
                   lambda *args: released.wait(base.PATIENCE))

        class Somewhere:
            address = 'memcached.example:11211'

        self.assert_fails(Somewhere, timeout=0.05)
        self.assertIn('name resolution', self.log.output)

    def test_a_restart_is_not_noticed(self):
        server = self.server()
        client = self.client(server)
        client.set_many({'a': b'1'}, 60)
        server.stop()
        server.start()
        self.assertEqual([], client.set_many({'b': b'2'}, 60))
        self.assertEqual(2, server.accepted)
        self.assertEqual('', self.log.output)

    def test_nor_is_it_with_several_connections(self):
        def answer_when_there_are_two(stream):
            while stream.readline():
                server.wait_for(lambda s: s.accepted >= 2)
                stream.write(b'END\r\n')
                stream.flush()

        server = self.server(answer_when_there_are_two)
        client = self.client(server)
        for join in [self.in_thread(client.get_many, ['a'])
                     for _ in range(2)]:
            self.assertEqual([{}], join())
        server.stop()
        server.start()
        self.assertEqual([{}], client.get_many(['a']))
        self.assertEqual('', self.log.output)

    def test_other_threads_keep_their_connections(self):
        begun, answer = threading.Event(), threading.Event()
        self.addCleanup(answer.set)
        streams = []

        def behave(stream):
            streams.append(stream)
            stream.readline()
            if stream is streams[0]:
                begun.set()
                answer.wait(base.PATIENCE)
            if len(streams) != 2:
                stream.write(b'END\r\n')
                stream.flush()

        client = self.client(self.server(behave))
        join = self.in_thread(client.get_many, ['a'])
        self.assertTrue(begun.wait(base.PATIENCE))
        self.assertEqual([{}], client.get_many(['a']))
        self.assertEqual(3, len(streams))
        answer.set()
        self.assertEqual([{}], join())

    def test_a_stale_connection_is_retried_but_once(self):
        server = self.server(lambda stream: stream.readline())
        self.client(server).get_many(['a'])
        self.assertEqual(2, server.accepted)

    def test_all_are_asked_at_once(self):
        """None answers before all of them have been asked."""
        asked = threading.Barrier(3)

        def answers(stream):
            stream.readline()
            asked.wait(base.PATIENCE)
            stream.write(b'END\r\n')
            stream.flush()

        servers = [self.server(answers) for _ in range(3)]
        self.assertEqual([{}] * 3, self.client(
            *servers, timeout=base.PATIENCE).get_many(['a']))

    def test_silent_ones_do_not_hide_the_others(self):
        silent = [self.server(base.silent) for _ in range(2)]
        there = self.server()
        there.values['a'] = b'1'
        for servers in ((*silent, there), (there, *silent)):
            self.assertEqual(
                [{'a': b'1'}],
                self.client(*servers, timeout=0.05).get_many(['a']))

    def test_a_failing_server_does_not_hide_the_others(self):
        gone, there = self.server(), self.server()
        gone.stop()
        there.values['a'] = b'1'
        self.assertEqual(
            [{'a': b'1'}], self.client(gone, there).get_many(['a']))


class TestRest(memcached_base.TestCase):

    def setUp(self):
        super().setUp()
        self.clock = self.useFixture(
            base.Clock('glance_progress.records.memcached'))

    def test_all_rest(self):
        server = self.server()
        server.stop()
        client = self.client(server)
        for _ in range(2):
            self.assertEqual(['a'], client.set_many({'a': b''}, 60))

    def test_for_how_long(self):
        server = self.server()
        server.stop()
        client = self.client(server)
        client.get_many(['a'])
        server.start()
        self.clock.now += 4.9
        self.assertEqual([], client.get_many(['a']))
        self.assertEqual(0, server.accepted)
        self.clock.now += 0.1
        self.assertEqual([{}], client.get_many(['a']))
        self.assertEqual([{}], client.get_many(['a']))

    def test_again_after_another_failure(self):
        server = self.server()
        server.stop()
        client = self.client(server)
        client.get_many(['a'])
        self.clock.now += 5
        client.get_many(['a'])
        server.start()
        self.clock.now += 4.9
        self.assertEqual([], client.get_many(['a']))
        self.clock.now += 0.1
        self.assertEqual([{}], client.get_many(['a']))

    def test_one_caller_tries(self):
        server = self.server(base.silent)
        client = self.client(server, timeout=1)
        under_test = client.servers[0]
        under_test._failed(OSError('for a start'))
        self.clock.now += 5
        first = self.in_thread(client.get_many, ['a'])
        self.assertTrue(server.wait_for(lambda s: s.accepted))
        exc = self.assertRaises(
            memcached.Unavailable, under_test.call, 'get_many', ['a'])
        self.assertIn('a moment ago', str(exc))
        self.assertEqual(1, server.accepted)
        server.stop()
        first()

    def test_a_failure_is_logged_once(self):
        server = self.server()
        client = self.client(server)
        warning = 'memcached server %s fails (' % server.address
        recovery = 'memcached server %s answers again' % server.address
        server.stop()
        for _ in range(3):
            client.get_many(['a'])
            self.clock.now += 5
        self.assertEqual(1, self.logged(warning))
        self.assertEqual(0, self.logged(recovery))
        server.start()
        for _ in range(3):
            client.get_many(['a'])
        self.assertEqual(1, self.logged(recovery))
        server.stop()
        client.get_many(['a'])
        self.assertEqual(2, self.logged(warning))


class TestReason(memcached_base.TestCase):

    def test_each_failure_has_one(self):
        for behave, reason in (
            (base.answering(b''), 'it closed the connection'),
            (base.silent, 'timed out'),
        ):
            server = self.server(behave)
            client = memcached.Memcached([server.address], 1, 0.1)
            self.assertEqual([], client.get_many(['a']))
            self.assertIn('memcached server %s fails (%s).' % (
                server.address, reason), self.log.output)

    def test_of_an_exception_that_says_nothing(self):
        server = memcached.Server('127.0.0.1:1')
        server._run = self.raising
        exc = self.assertRaises(memcached.Unavailable, server.call, 'version')
        self.assertEqual('127.0.0.1:1: KeyError', str(exc))

    def raising(self, *args):
        raise KeyError
