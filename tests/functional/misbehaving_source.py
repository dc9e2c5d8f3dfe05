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

"""A web server to import from, whose paths misbehave."""

from __future__ import annotations

import threading

import fixtures
import requests

from tests.functional import api_base
from tests.unit import web


class Source(fixtures.Fixture):
    """A web server whose paths misbehave each in its own way.

    Behind ``/glance`` it is the glance-api at *glance_url*, to which it says
    who asks, as Keystone's middleware would.

    :param port: on loopback
    :param content: what it has to give
    """

    def __init__(self, port: int, content: bytes, glance_url: str) -> None:
        self._port = port
        self._content = content
        self._glance_url = glance_url
        self.go_on = threading.Event()

    def _setUp(self) -> None:
        self.url = self.useFixture(web.Server(self._answer, self._port)).url
        self.addCleanup(self.go_on.set)

    def _answer(self, request: web.Request) -> None:
        if request.path == '/silent':
            self.go_on.wait(60)
        if request.path == '/missing':
            request.send_error(404)
        elif request.path == '/redirect':
            request.send_response(302)
            request.send_header('Location', 'http://127.0.0.1:1/')
            request.end_headers()
        elif request.path.startswith('/glance/'):
            got = requests.get(
                self._glance_url + request.path[len('/glance'):],
                headers=api_base.OWNER, timeout=60)
            self._give(request, got.content, len(got.content))
        else:
            short = request.path == '/short'
            self._give(
                request, self._content, len(self._content) + 10 * short)

    def _give(self, request: web.Request, body: bytes, announced: int) -> None:
        request.send_response(200)
        request.send_header('Content-Length', str(announced))
        request.end_headers()
        if request.path == '/late' or request.path.endswith('/file'):
            self.go_on.wait(60)
        half = len(body) // 2 if request.path == '/half' else 0
        request.wfile.write(body[:half])
        if half:
            self.go_on.wait(60)
        request.wfile.write(body[half:])
