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

"""Where a glance-api keeps what it knows of its images.

What an empty database holds is dumped once for a version of Glance, since to
make one takes it seconds.
"""

from __future__ import annotations

import pathlib
import shutil
from typing import Protocol

from allinone.daemons import mariadb

USER = 'glance'
PASSWORD = 'glance'


class Database(Protocol):
    """Has what a glance-api has to know of its database."""

    #: As oslo.db writes it.
    connection: str

    #: Of the name of a dump.
    suffix: str

    def clear(self) -> None:
        """Drop all tables, and make the database if it is not there."""

    def dump(self, path: pathlib.Path) -> None:
        """Write what is in the database to a file."""

    def load(self, path: pathlib.Path) -> None:
        """Fill a database without tables with a dump."""


class Sqlite:
    """Is a file for one user: of two who write at once it refuses one."""

    suffix = '.sqlite'

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.connection = f'sqlite:///{path}'

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)

    def dump(self, path: pathlib.Path) -> None:
        shutil.copy(self.path, path)

    def load(self, path: pathlib.Path) -> None:
        shutil.copy(path, self.path)


class InMariaDb:
    """Is a database in a server that runs.

    :param name: its name, of letters, digits and underscores
    """

    suffix = '.sql'

    def __init__(self, server: mariadb.MariaDb, name: str) -> None:
        self.name = name
        self._server = server
        self.connection = (
            f'mysql+pymysql://{USER}:{PASSWORD}@127.0.0.1:{server.port}/'
            f'{name}?charset=utf8')

    def clear(self) -> None:
        self._server.execute(
            f'DROP DATABASE IF EXISTS {self.name};'
            + mariadb.create_statement(self.name, USER, PASSWORD))

    def dump(self, path: pathlib.Path) -> None:
        path.write_text(self._server.dump(self.name))

    def load(self, path: pathlib.Path) -> None:
        self._server.execute(f'USE {self.name};\n' + path.read_text())
