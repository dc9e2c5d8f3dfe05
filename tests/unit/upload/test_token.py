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

import fixtures
from keystoneauth1 import plugin
from keystoneauth1 import session as ks_session

from glance_progress import client
from glance_progress.upload import cloud
from glance_progress.upload import reading
from glance_progress.upload import sources
from tests.unit import base
from tests.unit import web


class Tokens(plugin.BaseAuthPlugin):
    """Has another token when the one before is refused."""

    def __init__(self, url):
        super().__init__()
        self.url = url
        self.number = 1

    def get_token(self, session, **kwargs):
        return 'token %d' % self.number

    def get_endpoint(self, session, **kwargs):
        return self.url

    def invalidate(self):
        self.number += 1
        return True


class Glance(fixtures.Fixture):
    """Takes data from the second token on."""

    def _setUp(self):
        self.taken = []
        self.url = self.useFixture(
            web.Server(self._answer, methods=('PUT',))).url

    def _answer(self, request):
        body = request.rfile.read(int(request.headers['Content-Length']))
        self.taken.append((request.headers['X-Auth-Token'], body))
        request.send_response(401 if len(self.taken) == 1 else 204)
        request.send_header('Content-Length', '0')
        request.end_headers()


class TestToken(base.TestCase):

    def test_data_are_sent_again_with_a_new_one(self):
        glance = self.useFixture(Glance())
        path = self.useFixture(fixtures.TempDir()).join('file')
        content = b'data' * 500_000
        with open(path, 'wb') as file:
            file.write(content)
        body = reading.Reading(
            sources.File(path), ('sha512',), 8, threading.Event())
        cloud.Images(client.Api(ks_session.Session(
            auth=Tokens(glance.url)))).put('i', body, ())
        self.assertEqual(
            [('token 1', content), ('token 2', content)], glance.taken)
        self.assertEqual(
            sources.File(path).digest('sha512'), body.digests['sha512'])
