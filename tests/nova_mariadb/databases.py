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

"""Puts the databases of Nova's harness into a MariaDB.

They are SQLite's in memory otherwise, which has no locks of rows, no
deadlocks, and one connection. A process starts one server, and makes the
tables once, by Nova's own migrations; each test begins by emptying them.
"""

# Before anything else of nova or oslo.
from tests.nova import base

import atexit
import functools
import os
import shutil
import tempfile
import time

import fixtures
from nova import conf
from nova.db import migration
from nova.tests import fixtures as nova_fixtures
import portpicker
import pymysql
from pymysql.constants import CLIENT

from allinone.daemons import mariadb

CONF = conf.CONF

API = 'nova_api'
CELLS = ('nova_cell0', 'nova_cell1', 'nova_cell2')

_USER = 'nova'
_PASSWORD = 'nova'

#: Databases that have their tables, and of which kind.
_filled = {}


@functools.cache
def server():
    """Return the server of this process."""
    directory = tempfile.mkdtemp(
        prefix='gp-', dir=os.environ.get('GLANCE_PROGRESS_TEST_DIR'))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    started = mariadb.MariaDb(
        directory, portpicker.pick_unused_port(),
        {name: (_USER, _PASSWORD) for name in (API, *CELLS)})
    atexit.register(started.stop)
    started.ensure()
    # To see who waits for whose lock.
    started.execute("GRANT PROCESS ON *.* TO '%s'@'127.0.0.1'" % _USER)
    return started


def url(name, port=None):
    """Return a database as nova.conf has it."""
    return 'mysql+pymysql://%s:%s@127.0.0.1:%d/%s?charset=utf8' % (
        _USER, _PASSWORD, port or server().port, name)


def connect(name=None):
    """Return a connection, whose statements are a transaction each."""
    return pymysql.connect(
        host='127.0.0.1', port=server().port, user=_USER, password=_PASSWORD,
        database=name, autocommit=True, client_flag=CLIENT.MULTI_STATEMENTS)


def execute(connection, statement, *values):
    """Return the rows that a statement finds."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def wait_for_lock():
    """Wait until a transaction waits for a lock of another one."""
    deadline = time.monotonic() + base.PATIENCE
    with connect() as connection:
        while not execute(
                connection, 'SELECT trx_id FROM information_schema.innodb_trx'
                " WHERE trx_state = 'LOCK WAIT'"):
            if time.monotonic() > deadline:
                raise AssertionError('nobody waits for a lock')
            # The table is a cache, which stays as it is for those who read
            # it again within 0.1 s (InnoDB's CACHE_MIN_IDLE_TIME_NS).
            time.sleep(0.2)


def deadlocks():
    """Return how many deadlocks the server has ended."""
    with connect() as connection:
        return int(execute(
            connection, "SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")[0][1])


def kill_connections(name):
    """End all connections to a database, as a server that fails over does."""
    with connect() as connection:
        for number, in execute(
                connection, 'SELECT id FROM information_schema.processlist'
                ' WHERE db = %s', name):
            execute(connection, 'KILL CONNECTION %s', number)


def _fill_or_empty(name, database):
    """Have a database with all of its tables, and nothing in them."""
    if name in _filled:
        _empty(name)
        return
    alike = [each for each, kind in _filled.items() if kind == database]
    if alike:  # it was just emptied, or filled
        server().execute('USE %s;\n%s' % (name, server().dump(alike[0])))
    else:
        migration.db_sync(database=database)
    _filled[name] = database


def _empty(name):
    with connect(name) as connection:
        tables = [table for table, in execute(connection, 'SHOW TABLES')
                  if table != 'alembic_version']
        # One round trip. TRUNCATE would make each file anew.
        with connection.cursor() as cursor:
            cursor.execute('SET foreign_key_checks = 0;' + ''.join(
                'DELETE FROM `%s`;' % table for table in tables))
            while cursor.nextset():
                pass


class _Database(nova_fixtures.Database):

    def setUp(self):
        CONF.set_override('connection', url(API), 'api_database')
        super().setUp()

    def _apply_schema(self):
        _fill_or_empty(API, 'api')


class _CellDatabases(nova_fixtures.CellDatabases):

    def add_cell_database(self, connection_str, default=False):
        name = CELLS[len(self._ctxt_mgrs)]
        CONF.set_override('connection', url(name), 'database')
        super().add_cell_database(connection_str, default)

    def _cache_schema(self, connection_str):
        _fill_or_empty(CELLS[len(self._ctxt_mgrs) - 1], 'main')


class _Databases(fixtures.Fixture):
    """Comes before Nova's own fixtures of databases, and replaces them."""

    def _setUp(self):
        # In no directory that Nova's fixtures remove after the test.
        server()
        for name, ours in (('Database', _Database),
                           ('CellDatabases', _CellDatabases)):
            self.useFixture(fixtures.MonkeyPatch(
                'nova.tests.fixtures.' + name, ours))


class OnMariaDb:
    """Comes before a test case, whose databases are in a MariaDB then."""

    def setUp(self):
        self.useFixture(_Databases())
        super().setUp()
