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

from __future__ import annotations

import socket

import fixtures


class BlackHole(fixtures.Fixture):
    """Listens with a full queue: what connects to it hears nothing."""

    #: HOST:PORT, on loopback.
    address: str

    def _setUp(self) -> None:
        listener = socket.create_server(('127.0.0.1', 0), backlog=0)
        self.addCleanup(listener.close)
        address = listener.getsockname()
        self.address = '%s:%d' % address
        full = False
        while not full:
            sock = socket.socket()
            self.addCleanup(sock.close)
            sock.settimeout(0.05)
            try:
                sock.connect(address)
            except socket.timeout:  # TimeoutError from Python 3.10 on
                full = True
