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

from glance_progress.upload import sources
from tests.unit import base
from tests.unit import web

CONTENT = b'data' * 1000


class TestUrl(base.TestCase):

    def setUp(self):
        super().setUp()
        self.status, self.content = 200, CONTENT
        self.told = {'Content-Length': str(len(CONTENT))}
        server = self.useFixture(web.Server(self.answer))
        self.url = sources.Url(server.url + '/a.raw')

    def answer(self, request):
        request.send_response(self.status)
        for name, value in self.told.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(self.content)

    def test_data(self):
        self.url.open()
        self.assertEqual(len(CONTENT), self.url.size)
        self.assertEqual(CONTENT, b''.join(self.url.chunks()))

    def fails(self, said):
        exc = self.assertRaises(sources.Unreadable, list, self.url.chunks())
        self.assertIn(said, str(exc))

    def test_error(self):
        self.status = 404
        self.fails('answers 404')

    def test_size_is_not_told(self):
        self.told = {}
        self.fails('does not tell its size')

    def test_cut_off(self):
        self.content = CONTENT[:-1]
        self.fails(self.url.label)

    def test_changed(self):
        self.url.open()
        self.content += b'more'
        self.told = {'Content-Length': str(len(self.content))}
        self.fails('has changed')

    def test_nobody_there(self):
        self.url = sources.Url('http://127.0.0.1:1/')
        exc = self.assertRaises(sources.Unreadable, self.url.open)
        self.assertIn('127.0.0.1', str(exc))
