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

"""Stands between a client and a server on loopback, and can go away."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

import portpicker


class Forwarder:
    """Passes on what comes, until it is cut.

    :param target: port of the server
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self.port = portpicker.pick_unused_port()
        self._listening = socket.create_server(('127.0.0.1', self.port))
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Forwarder:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.cut()

    def cut(self) -> None:
        """End all connections, and take no others."""
        for each in [self._listening, *self._sockets]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._listening.accept()
                there = socket.create_connection(('127.0.0.1', self._target))
                self._sockets += [here, there]
                for pair in ((here, there), (there, here)):
                    threading.Thread(
                        target=self._pass, args=pair, daemon=True).start()

    @staticmethod
    def _pass(here: socket.socket, there: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := here.recv(65536):
                there.sendall(data)
