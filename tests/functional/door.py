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

"""Stands before glance-api and says who is asking."""

from __future__ import annotations

from collections.abc import Callable
import contextlib
import http.client

import fixtures

from tests.unit import web

_PIECE = 1024 * 1024

#: What a fault may be, beside an HTTP status: the body is not read, or half
#: of it is passed on; then nobody is told anything.
CUT = 'cut'
CUT_IN_THE_MIDDLE = 'cut in the middle'


class Door(fixtures.Fixture):
    """Says who is asking.

    As Keystone's middleware does for a token: a command line has no means to
    send the headers by which this Glance knows a user.

    :param port: of glance-api
    :param headers: of who is asking
    :ivar fault: is called with method and path of each request, and returns
        what goes wrong with it; None for nothing
    :ivar requests: method and path of each request
    """

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        self.port = port
        self.headers = headers
        self.fault: Callable[[str, str], int | str | None] = (
            lambda method, path: None)
        self.requests: list[tuple[str, str]] = []

    def _setUp(self) -> None:
        self.url = self.useFixture(web.Server(self._pass, methods=(
            'GET', 'POST', 'PUT', 'PATCH', 'DELETE'))).url

    def _pass(self, request: web.Request) -> None:
        self.requests.append((request.command, request.path))
        fault = self.fault(request.command, request.path)
        if fault == CUT:
            return
        if isinstance(fault, int):
            self._answer(request, fault, {'Content-Type': 'text/plain'}, b'')
            return
        peer = http.client.HTTPConnection('127.0.0.1', self.port, timeout=120)
        with contextlib.closing(peer), contextlib.suppress(
                ConnectionError, http.client.HTTPException):
            peer.putrequest(request.command, request.path, skip_host=True,
                            skip_accept_encoding=True)
            for name, value in {**request.headers, **self.headers}.items():
                peer.putheader(name, value)
            peer.endheaders()
            left = int(request.headers.get('Content-Length', 0))
            end = left // 2 if fault == CUT_IN_THE_MIDDLE else 0
            while left > end:
                piece = request.rfile.read(min(_PIECE, left - end))
                if not piece:
                    return
                peer.send(piece)
                left -= len(piece)
            if fault == CUT_IN_THE_MIDDLE:
                return
            answer = peer.getresponse()
            self._answer(request, answer.status, {
                name: answer.headers[name]
                for name in ('Content-Type', 'Retry-After')
                if name in answer.headers}, answer.read())

    def _answer(
        self, request: web.Request, status: int, headers: dict[str, str],
        body: bytes,
    ) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        if status != 204:
            request.send_header('Content-Length', str(len(body)))
        request.end_headers()
        request.wfile.write(body)
