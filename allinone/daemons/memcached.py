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

"""A memcached on loopback."""

from __future__ import annotations

import os
import socket

import portpicker

from allinone import service


class Memcached(service.Service):
    """Runs a memcached of 64 MiB, which forgets all when it ends.

    :param directory: holds its log and its pid
    :param port: TCP port, any free one if none is given
    :param name: tells several in one directory apart
    :param listen: IPv4 address to listen on
    """

    def __init__(self, directory: str | os.PathLike[str],
                 port: int | None = None, name: str = 'memcached',
                 listen: str = '127.0.0.1') -> None:
        super().__init__(name, directory)
        self.port = port or portpicker.pick_unused_port()
        self.ports = (self.port,)
        self.listen = listen
        #: host:port, as clients' configuration names a server.
        self.address = f'{listen}:{self.port}'

    def command(self) -> list[str]:
        command = ['memcached', '-l', self.listen, '-p', str(self.port),
                   '-U', '0']
        # It refuses to run as root.
        return command + (['-u', 'nobody'] if os.geteuid() == 0 else [])

    def ready(self) -> bool:
        try:
            return self._ask('version')[0].startswith('VERSION ')
        except OSError:
            return False

    def stats(self) -> dict[str, int | str]:
        """Return memcached's general statistics.

        :raises OSError: if it does not answer
        """
        values: dict[str, int | str] = {}
        for line in self._ask('stats')[:-1]:
            _, key, value = line.split(' ', 2)
            values[key] = int(value) if value.isdigit() else value
        return values

    def _ask(self, command: str) -> list[str]:
        """Send a command of the text protocol and return its answer in lines.

        :raises OSError: if there is no answer
        """
        with socket.create_connection((self.listen, self.port), 2) as peer:
            # The second command marks the end of whatever the first says.
            peer.sendall(f'{command}\r\nquit\r\n'.encode())
            with peer.makefile(encoding='utf-8', newline='\r\n') as answer:
                lines = [line.rstrip('\r\n') for line in answer]
        if not lines:
            raise ConnectionError(f'no answer from {self.address}')
        return lines
