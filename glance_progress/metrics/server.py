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

"""Answers scrapes over HTTP, and over TLS where that is configured."""

from __future__ import annotations

import socket
import socketserver
from typing import Any
from wsgiref import simple_server

from oslo_log import log as logging
import prometheus_client

from glance_progress.metrics import passwords
from glance_progress.metrics import web_config

LOG = logging.getLogger(__name__)

# Seconds in which whoever has connected has to go on.
_TIMEOUT = 10.0


class Unusable(ValueError):
    """Nobody can listen there; the text says what to do."""


class _Handler(simple_server.WSGIRequestHandler):

    timeout = _TIMEOUT

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    """A thread for each connection.

    :param web_config_file: path of the file that says how to serve; None for
        HTTP, to whoever comes
    """

    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], family: socket.AddressFamily,
        web_config_file: str | None,
    ) -> None:
        self.address_family = family
        self._web_config_file = web_config_file
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # WSGIServer's looks for a name of the address, which may take long.
        socketserver.TCPServer.server_bind(self)
        self.server_name = str(self.server_address[0])
        self.server_port = int(self.server_address[1])
        self.setup_environ()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Handle a connection, in its own thread.

        TLS is agreed on here: one who does not say a word keeps no other one
        waiting.
        """
        tls = (None if self._web_config_file is None
               else web_config.load(self._web_config_file).tls)
        if tls is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(_TIMEOUT)
        with tls.wrap_socket(request, server_side=True) as encrypted:
            super().finish_request(encrypted, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        LOG.info('A connection of %s was given up.', client_address[0],
                 exc_info=True)


def listen(
    address: tuple[str, int], registry: Any, web_config_file: str | None,
) -> simple_server.WSGIServer:
    """Return a server that listens; ``serve_forever()`` is yet to be called.

    :param address: IP address or name, and port
    :param registry: of prometheus_client, with what to answer
    :param web_config_file: path of a file in the format of Prometheus'
        exporters, which is read again for each connection; None for HTTP, to
        whoever comes
    :raises Unusable: when nobody can listen there
    :raises web_config.Invalid: when the file is missing or wrong
    """
    app: Any = prometheus_client.make_wsgi_app(registry)
    if web_config_file is not None:
        web_config.load(web_config_file)
        app = passwords.ask(app, web_config_file)
    try:
        family, _, _, _, found = socket.getaddrinfo(
            *address, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        server = _Server(
            (str(found[0]), address[1]), family, web_config_file)
    except OSError as exc:
        raise Unusable(
            'nobody can listen on %s, port %d (%s); name another with '
            '--web.listen-address' % (*address, exc)) from exc
    server.set_app(app)
    return server
