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
import json

from glance_progress.cmd.checks import self_reference
from glance_progress.cmd.checks import subject
from tests.unit import base

GLANCE = {'versions': [{'id': 'v2.%d' % minor} for minor in range(17)]}
NOVA = {'versions': [{'id': 'v2.0'}, {'id': 'v2.1'}]}


def answering(body, status='300 Multiple Choices'):
    def behave(stream):
        while stream.readline().strip():
            pass
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        stream.write(b'HTTP/1.0 %s\r\n\r\n%s' % (status.encode(), text))
        stream.flush()
    return behave


class TestCheck(base.TestCase):

    def check(self, *lines, offline=False):
        conf = self.config('\n'.join(('[DEFAULT]',) + lines))
        result = self_reference.check(subject.Subject(
            conf, argparse.Namespace(offline=offline)))
        self.details = result.details
        return int(result.code)

    def url(self, *args):
        server = self.useFixture(base.Server(answering(*args)))
        return 'worker_self_reference_url = http://' + server.address

    def test_image_api(self):
        for status in '300 Multiple Choices', '200 OK':
            self.assertEqual(0, self.check(self.url(GLANCE, status)))
            self.assertIn('an address of this host', self.details)

    def test_reference(self):
        line = self.url(GLANCE).replace('127.0.0.1', '$my_ip')
        self.assertEqual(0, self.check('my_ip = 127.0.0.1', line))

    def test_another_service(self):
        for body in NOVA, b'<html>', [], {'versions': 1}, b'':
            self.assertEqual(2, self.check(self.url(body, '200 OK')), body)
            self.assertIn('no Image API', self.details)
        self.assertEqual(2, self.check(self.url(b'', '404 Not Found')))

    def test_a_proxy_without_anybody_behind_it(self):
        self.assertEqual(1, self.check(self.url(b'', '503 Unavailable')))
        self.assertIn('503', self.details)

    def test_nobody(self):
        line = 'worker_self_reference_url = http://u:hunter2@127.0.0.1:1'
        self.assertEqual(1, self.check(line))
        self.assertIn('Nothing answers at http://127.0.0.1:1', self.details)
        self.assertIn('(Connection refused)', self.details.replace(
            '[Errno 111] ', ''))
        self.assertNotIn('hunter2', self.details)
        self.assertEqual(0, self.check(line, offline=True))

    def test_another_host(self):
        self.patch('glance_progress.cmd.checks.self_reference._is_here',
                   lambda host: False)
        self.assertEqual(1, self.check(self.url(GLANCE)))
        self.assertIn('no address of this host', self.details)

    def test_addresses(self):
        for host, here in (('127.0.0.1', True), ('127.0.0.2', True),
                           ('localhost', True), ('::1', True),
                           ('192.0.2.1', False)):
            self.assertIs(here, self_reference._is_here(host), host)

    def test_no_url(self):
        for url in 'here', 'ftp://a/', 'http://':
            self.assertEqual(
                2, self.check('worker_self_reference_url = ' + url), url)

    def test_not_set(self):
        self.assertEqual(1, self.check())
        self.assertNotIn('public_endpoint', self.details)
        self.assertEqual(1, self.check('public_endpoint = http://a'))
        self.assertIn('public_endpoint', self.details)

    def test_needed_by_the_cache(self):
        flavor = '[paste_deploy]\nflavor = keystone+cachemanagement'
        for release, driver, code in (
            (27, '', 1), (28, '', 2), (33, 'Centralized_DB', 2),
            (33, 'sqlite', 1), (None, '', 1),
        ):
            self.patch('glance_progress.locations.releases.installed_glance',
                       lambda release=release: release)
            line = driver and 'image_cache_driver = ' + driver
            self.assertEqual(code, self.check(line, flavor), driver)
        self.assertEqual(1, self.check('[paste_deploy]\nflavor = keystone'))
