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

"""A web server on loopback that answers as one function does."""

import http.server
import threading

import fixtures

#: What the function gets: the request, and the means to answer it.
Request = http.server.BaseHTTPRequestHandler


class _Quiet(Request):

    def log_message(self, *args):
        pass


class Server(fixtures.Fixture):
    """The server.

    :param answer: called with each request, in a thread of its own
    :param port: 0 for any that is free
    :param methods: all that it knows; others are answered with 501
    :param attributes: of http.server's handlers
    :ivar url: of its root, without a slash at the end
    """

    def __init__(self, answer, port=0, methods=('GET',), **attributes):
        self._answer = answer
        self._port = port
        self._methods = methods
        self._attributes = attributes

    def _setUp(self):
        def answer(request):
            self._answer(request)

        handler = type('Handler', (_Quiet,), {
            **{'do_' + method: answer for method in self._methods},
            **self._attributes})
        server = http.server.ThreadingHTTPServer(
            ('127.0.0.1', self._port), handler)
        self.url = 'http://127.0.0.1:%d' % server.server_port
        threading.Thread(
            target=server.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
