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

"""Tests for who is answered, and for what is said when nobody can be."""

import base64
import os
import pathlib
import socket
import threading
import urllib.error
import urllib.request

import bcrypt
import fixtures
import prometheus_client

from glance_progress.metrics import passwords
from glance_progress.metrics import server
from glance_progress.metrics import textfile
from glance_progress.metrics import web_config
from glance_progress import warning
from tests.unit import base

HASH = bcrypt.hashpw(b'secret', bcrypt.gensalt(4)).decode()


def basic(text):
    return 'Basic ' + base64.b64encode(text.encode()).decode()


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.logger = self.useFixture(fixtures.FakeLogger())
        self.directory = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path)

    def file(self, text):
        path = self.directory / 'web.yml'
        path.write_text(text)
        return str(path)


class TestWebConfig(TestCase):

    def test_empty(self):
        for text in ('', '{}', 'tls_server_config:', 'basic_auth_users: {}'):
            said = web_config.load(self.file(text))
            self.assertEqual((None, {}), (said.tls, said.users))

    def test_users(self):
        self.assertEqual({'prometheus': HASH}, web_config.load(self.file(
            'basic_auth_users:\n  prometheus: ' + HASH)).users)

    def test_what_is_wrong(self):
        tls = 'tls_server_config: {cert_file: c, key_file: k%s}'
        for text, said in (
            ('[]', 'no settings'),
            ('a: [', 'no YAML, line 1'),
            ('http_server_config: {}', 'http_server_config'),
            ('tls_server_config: {cert_file: c}', 'no key_file'),
            ('tls_server_config: {key_file: c}', 'no cert_file'),
            ('tls_server_config: {cipher_suites: []}', 'cipher_suites'),
            (tls % '', 'cert_file c or key_file k'),
            (tls % ', min_version: SSL3', 'min_version is SSL3'),
            ('basic_auth_users: {a: secret}', 'htpasswd'),
            ('basic_auth_users: [a]', 'no settings'),
        ):
            path = self.file(text)
            exc = self.assertRaises(
                web_config.Invalid, web_config.load, path)
            self.assertIn(said, str(exc))
            self.assertIn(path, str(exc))
            self.assertNotIn('secret', str(exc))

    def test_no_file(self):
        path = str(self.directory / 'missing.yml')
        exc = self.assertRaises(web_config.Invalid, web_config.load, path)
        self.assertIn(path, str(exc))


class TestPasswords(TestCase):

    def test_who_is_let_in(self):
        users = {'prometheus': HASH, 'php': HASH.replace('$2b$', '$2y$'),
                 'empty': bcrypt.hashpw(b'', bcrypt.gensalt(4)).decode(),
                 'broken': '$2y$oops'}
        for user, password, expected in (
            ('prometheus', 'secret', True),
            ('php', 'secret', True),
            ('empty', '', True),
            ('prometheus', 'Secret', False),
            ('prometheus', '', False),
            ('prometheus', 'secret' + 100 * 'x', False),
            ('nobody', '', False),
            ('nobody', 'secret', False),
            ('broken', 'secret', False),
        ):
            self.assertEqual(expected, passwords.admits(
                users, basic(user + ':' + password)), user)

    def test_what_is_no_password(self):
        for header in ('', 'Basic', 'Basic x', 'Basic /w==', 'Bearer x',
                       basic('prometheus')):
            self.assertFalse(passwords.admits({'prometheus': HASH}, header))


class TestServer(TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MonkeyPatch(
            'glance_progress.metrics.passwords._seldom', warning.Seldom()))
        self.registry = prometheus_client.CollectorRegistry()
        prometheus_client.Gauge('answer', 'It is 42.', registry=self.registry)

    def serve(self, path=None, address='127.0.0.1'):
        listening = server.listen((address, 0), self.registry, path)
        threading.Thread(target=listening.serve_forever, args=(0.01,),
                         daemon=True).start()
        self.addCleanup(listening.server_close)
        self.addCleanup(listening.shutdown)
        self.port = listening.server_port

    def get(self, address='127.0.0.1', **headers):
        try:
            with urllib.request.urlopen(urllib.request.Request(
                    'http://%s:%d/metrics' % (address, self.port),
                    headers=headers), timeout=base.PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, exc.headers.get('WWW-Authenticate')

    def test_to_whoever_comes(self):
        self.serve()
        status, text = self.get()
        self.assertEqual(200, status)
        self.assertIn('answer 0.0', text)

    def test_ipv6(self):
        if not socket.has_ipv6 or not os.path.exists('/proc/net/if_inet6'):
            self.skipTest('no IPv6 here')
        self.serve(address='::1')
        self.assertEqual(200, self.get('[::1]')[0])

    def test_users(self):
        path = self.file('basic_auth_users: {prometheus: %s}' % HASH)
        self.serve(path)
        self.assertEqual((401, 'Basic realm="glance-progress"'), self.get())
        right = basic('prometheus:secret')
        self.assertEqual(200, self.get(Authorization=right)[0])
        # The file is read again.
        self.file('basic_auth_users: {other: %s}' % HASH)
        self.assertEqual(401, self.get(Authorization=right)[0])
        self.assertEqual(200, self.get(
            Authorization=basic('other:secret'))[0])

    def test_file_that_has_become_wrong(self):
        path = self.file('basic_auth_users: {prometheus: %s}' % HASH)
        self.serve(path)
        self.file('basic_auth_users: {prometheus: secret}')
        self.assertRaises(OSError, self.get,
                          Authorization=basic('prometheus:secret'))
        self.assertIn('web.yml', self.logger.output)

    def test_a_silent_peer_keeps_nobody_waiting(self):
        self.serve()
        with socket.create_connection(('127.0.0.1', self.port)):
            self.assertEqual(200, self.get()[0])

    def test_port_is_taken(self):
        self.serve()
        exc = self.assertRaises(
            server.Unusable, server.listen, ('127.0.0.1', self.port),
            self.registry, None)
        for text in (str(self.port), '--web.listen-address', 'in use'):
            self.assertIn(text, str(exc))

    def test_no_such_address(self):
        exc = self.assertRaises(
            server.Unusable, server.listen, ('192.0.2.1', 0), self.registry,
            None)
        self.assertIn('192.0.2.1', str(exc))

    def test_no_such_file(self):
        self.assertRaises(
            web_config.Invalid, server.listen, ('127.0.0.1', 0),
            self.registry, str(self.directory / 'missing.yml'))


class TestTextfile(TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MonkeyPatch(
            'glance_progress.metrics.textfile._seldom', warning.Seldom()))
        self.path = self.directory / 'progress.prom'
        self.registry = prometheus_client.CollectorRegistry()
        self.gauge = prometheus_client.Gauge(
            'answer', 'It is 42.', registry=self.registry)

    def write(self, *meanwhile):
        """Write a file; at each pause one of *meanwhile* is called."""
        steps = list(meanwhile)

        class Ended:

            def wait(self, seconds):
                if not steps:
                    return True
                steps.pop(0)()
                return False

        textfile.write(str(self.path), self.registry)
        textfile.write_until(Ended(), str(self.path), self.registry, 10)

    def test_it_is_written_again_and_then_removed(self):
        texts = []

        def look():
            texts.append(self.path.read_text())
            self.gauge.set(42)
        self.write(look, look)
        self.assertIn('answer 0.0', texts[0])
        self.assertIn('answer 42.0', texts[1])
        self.assertEqual([], list(self.directory.iterdir()))

    def test_it_cannot_be_written(self):
        self.path = self.directory / 'missing' / 'progress.prom'
        exc = self.assertRaises(textfile.Unusable, self.write)
        self.assertIn(str(self.path), str(exc))

    def test_it_cannot_be_written_any_more(self):
        seen = []

        def take_away():
            self.path.unlink()
            self.directory.rename(self.directory.with_name('elsewhere'))

        def bring_back():
            self.directory.with_name('elsewhere').rename(self.directory)

        self.directory = self.directory / 'collector'
        self.directory.mkdir()
        self.path = self.directory / 'progress.prom'
        self.write(take_away, lambda: None, bring_back,
                   lambda: seen.append(self.path.exists()))
        self.assertEqual([True], seen)
        self.assertEqual(1, self.logger.output.count('cannot be written'))
