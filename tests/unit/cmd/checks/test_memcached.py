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

import argparse

from glance_progress.cmd.checks import memcached
from glance_progress.cmd.checks import subject
from tests.unit import base


class TestCheck(base.TestCase):

    def check(self, *servers, offline=False, more=''):
        conf = self.config(
            '[glance_progress]\nmemcached_timeout = 0.2\n'
            'memcached_servers = %s\n%s' % (','.join(servers), more))
        result = memcached.check(subject.Subject(
            conf, argparse.Namespace(offline=offline)))
        self.details = result.details
        return int(result.code)

    def server(self, behave=None):
        return self.useFixture(base.Server(behave))

    def test_well(self):
        servers = [self.server(), self.server()]
        self.assertEqual(0, self.check(*[each.address for each in servers]))
        for each in servers:
            self.assertIn(each.address, self.details)
            self.assertEqual({}, each.values)
            (command, key, ttl), _ = each.commands
            self.assertTrue(key.startswith('glance_progress_check:'))
            self.assertEqual(60, ttl)

    def test_one_and_all_of_them_gone(self):
        well = self.server().address
        self.assertEqual(1, self.check(well, '127.0.0.1:1'))
        self.assertIn('127.0.0.1:1: [Errno 111] Connection refused.',
                      self.details)
        self.assertEqual(2, self.check('127.0.0.1:1', '127.0.0.1:2'))
        self.assertIn('127.0.0.1:2: ', self.details)

    def test_offline(self):
        self.assertEqual(0, self.check('127.0.0.1:1', offline=True))

    def test_what_is_no_memcached(self):
        for behave, text in (
            (base.silent, 'timed out'),
            (base.answering(b''), 'it closed the connection'),
            (base.answering(b'NOT_STORED\r\n'), 'it stores nothing'),
            (base.answering(b'HTTP/1.0 400 Bad\r\n\r\n'), 'HTTP/1.0 400'),
        ):
            self.assertEqual(2, self.check(self.server(behave).address), text)
            self.assertIn(text, self.details)

    def test_plain_text_where_tls_is_meant(self):
        server = base.Server()
        memcached_ = server._behave

        def behave(stream):
            if stream.peek(1)[:1] != b'\x16':  # RFC 8446, 5.1
                memcached_(stream)
        server._behave = behave
        self.useFixture(server)
        self.assertEqual(2, self.check(
            server.address, more='memcached_tls_enabled = true'))
        self.assertIn('talks without TLS', self.details)

    def test_no_server(self):
        self.assertEqual(2, self.check(
            more='[keystone_authtoken]\nmemcached_servers = a:b'))
        self.assertIn('a:b names no memcached server', self.details)

    def test_one_that_is_left_out(self):
        self.assertEqual(1, self.check(
            more='[keystone_authtoken]\nmemcached_servers = a:b, '
            + self.server().address))
        self.assertIn("'a:b'", self.details)
