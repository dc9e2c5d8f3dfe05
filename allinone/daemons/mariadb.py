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

"""A MariaDB on loopback, with a database and a user for each service."""

from __future__ import annotations

from collections.abc import Mapping
import os
import shutil
import socket

from allinone import command
from allinone import files
from allinone import service


def create_statement(database: str, user: str, password: str) -> str:
    """Return the SQL that makes a database, unless it is there, and a user."""
    # utf8mb3: with utf8mb4, Nova's indexes are too long.
    return (f'CREATE DATABASE IF NOT EXISTS {database} CHARACTER SET'
            f' utf8mb3;\n'
            f"GRANT ALL ON {database}.* TO '{user}'@'127.0.0.1' IDENTIFIED"
            f" BY '{password}';\n")


class MariaDb(service.Service):
    """Runs a server that syncs nothing to the disk: its data can be lost.

    :param directory: holds its data, its log and its pid
    :param port: TCP port
    :param databases: database -> (user, password); they are made at each
        start if they are not there
    """

    # In the data directory, since a path has at most 107 bytes.
    _SOCKET = '--socket=mariadb.sock'

    def __init__(self, directory: str | os.PathLike[str], port: int,
                 databases: Mapping[str, tuple[str, str]]) -> None:
        super().__init__('mariadb', directory)
        self.port = port
        self.ports = (port,)
        self.databases = databases
        self.data = self.directory / 'mariadb'
        self._init = self.directory / 'mariadb.sql'
        # Not one that others use: a server that starts removes all temporary
        # tables there, and so another one's.
        self._temporary = self.directory / 'mariadb.tmp'

    def start(self) -> None:
        self._temporary.mkdir(parents=True, exist_ok=True)
        if not self.data.exists():
            new = self.data.with_suffix('.new')  # a broken attempt's
            shutil.rmtree(new, ignore_errors=True)
            command.run(self.name, [
                'mariadb-install-db', '--no-defaults', '--user=root',
                f'--datadir={new}', f'--tmpdir={self._temporary}',
                '--skip-test-db',
                '--auth-root-authentication-method=socket'],
                cwd=self.directory, timeout=300)
            new.rename(self.data)
        # The server believes it like the administrator.
        files.write_private(self._init, ''.join(
            create_statement(name, *account)
            for name, account in self.databases.items()))
        super().start()

    def command(self) -> list[str]:
        return [
            'mariadbd', '--no-defaults', '--user=root',
            f'--datadir={self.data}', f'--tmpdir={self._temporary}',
            f'--init-file={self._init}',
            '--bind-address=127.0.0.1', f'--port={self.port}',
            self._SOCKET, '--pid-file=mariadb.pid',
            '--skip-name-resolve', '--skip-log-bin', '--max-connections=500',
            '--character-set-server=utf8mb3', '--performance-schema=OFF',
            '--innodb-flush-log-at-trx-commit=0',
            '--innodb-flush-method=nosync']

    def execute(self, statements: str) -> None:
        """Execute SQL as its administrator.

        :raises ServiceError: if it fails
        """
        command.run(self.name, ['mariadb', '--no-defaults', self._SOCKET],
                    cwd=self.data, stdin=statements)

    def dump(self, database: str) -> str:
        """Return the SQL that makes what is in a database.

        :raises ServiceError: if there is no such database
        """
        return command.run(self.name, [
            'mariadb-dump', '--no-defaults', self._SOCKET, database],
            cwd=self.data)

    def ready(self) -> bool:
        """Tell whether it greets, as it does when the databases are there."""
        try:
            with socket.create_connection(('127.0.0.1', self.port), 5) as peer:
                peer.settimeout(5)
                return bool(peer.recv(1))
        except OSError:
            return False
