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

"""All that runs: Ceph, memcached, MariaDB, and six glance-apis.

Three of them are ours and share a database, and each has a twin with stock
Glance: the same release, run in the same way, with pools and a database of
stock's own.
"""

from __future__ import annotations

import contextlib
import pathlib
import sys
from typing import Any

import portpicker

from allinone.daemons import ceph
from allinone.daemons import glance
from allinone.daemons import glance_database
from allinone.daemons import mariadb
from allinone.daemons import memcached
from tests.chaos import clock
from tests.chaos import network
from tests.functional import api_base
from tests.functional import services

MiB = 2 ** 20

#: Name of a host -> how it runs: two with threads under uwsgi, the second
#: with a clock of its own, and one under eventlet.
HOSTS = ('one', 'two', 'old')

#: How many servers there are of it.
MEMCACHED = 3

#: A user may have so much in all stores together.
QUOTA = 64 * MiB

#: Seconds in which a service has to be there, which ten are that start.
PATIENCE = 300

#: Bytes that an OSD may hold. Ten minutes of a quick machine fill 12 GiB.
OSD_SIZE = 24 * 2 ** 30

OURS = 'ours'
STOCK = 'stock'


class Memcached(memcached.Memcached):
    """Runs in a namespace of its own."""

    def __init__(self, directory: pathlib.Path, number: int) -> None:
        self.namespace = network.Namespace(10 + number)
        super().__init__(directory, name='memcached-%d' % number,
                         listen=self.namespace.address)

    def command(self) -> list[str]:
        return [*self.namespace.within, *super().command()]


class ClockedGlanceApi(clock.Clocked, glance.GlanceApi):
    """Has a clock that can be set."""


class Side:
    """Is ours or stock.

    :param name: OURS or STOCK
    """

    def __init__(self, name: str) -> None:
        self.name = name
        #: store -> pool
        self.pools = {'ceph': name + '-images', 'second': name + '-second'}
        self.hosts: dict[str, glance.GlanceBase] = {}

    @property
    def ours(self) -> bool:
        return self.name == OURS


class Cloud:
    """Runs everything.

    :param directory: holds everything; not too long a path
    """

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self._stack = contextlib.ExitStack()
        self.download_port = portpicker.pick_unused_port()
        self.ceph = ceph.Ceph(directory / 'ceph', osds=3,
                              address=network.ADDRESS, osd_size=OSD_SIZE)
        self.sides = [Side(OURS), Side(STOCK)]
        self.ours, self.stock = self.sides

    def __enter__(self) -> Cloud:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """End all services."""
        self._stack.close()

    def _start(self) -> None:
        network.set_up()
        #: One OSD can be cut off.
        self.far = network.Namespace(2)
        self._stack.callback(self.far.end)
        self.ceph.osds[-1].within = self.far.within
        self._stack.callback(self.ceph.stop)
        self.ceph.start(PATIENCE)
        pools = [pool for side in self.sides for pool in side.pools.values()]
        for pool in [*pools, services.SERVERS_POOL]:
            self.ceph.create_pool(pool)
        self.ceph.create_user(services.CEPH_USER, pools,
                              readable=[services.SERVERS_POOL])
        self.ceph.create_user(services.NOVA, [*pools, services.SERVERS_POOL])
        self.mariadb = self._stack.enter_context(mariadb.MariaDb(
            self.directory / 'mariadb', portpicker.pick_unused_port(), {}))
        self.memcached = [Memcached(self.directory / 'memcached', number)
                          for number in range(MEMCACHED)]
        for server in self.memcached:
            self._stack.callback(server.namespace.end)
            self._stack.enter_context(server)
        for side in self.sides:
            for host in HOSTS:
                self._add(side, host)
        # Each takes seconds to start.
        for side in self.sides:
            for api in side.hosts.values():
                self._stack.callback(api.stop)
                api.start()
        for side in self.sides:
            for api in side.hosts.values():
                api.wait_ready(PATIENCE)

    def _add(self, side: Side, host: str) -> None:
        directory = self.directory / ('%s-%s' % (side.name, host))
        directory.mkdir()
        reload = directory / 'reload'
        reload.touch()
        kind, venv, more = {
            'one': (glance.GlanceApi, pathlib.Path(sys.prefix),
                    {'processes': 2, 'threads': 12, 'uwsgi_args': (
                        '--touch-workers-reload', str(reload))}),
            'two': (ClockedGlanceApi, pathlib.Path(sys.prefix),
                    {'processes': 2, 'threads': 12}),
            'old': (glance.EventletGlanceApi, services.released_venv('2025.2'),
                    {'workers': 2}),
        }[host]
        store = {'type': 'rbd', **api_base.glance_base.CHUNK}
        options: dict[str, Any] = {
            'DEFAULT': {
                'enabled_import_methods':
                    '[glance-direct,web-download,copy-image]',
                'user_storage_quota': '%dB' % QUOTA},
            'import_filtering_opts': {
                'allowed_hosts': '[127.0.0.1]',
                'allowed_ports': '[%d]' % self.download_port}}
        if side.ours:
            options['glance_progress'] = {
                'memcached_servers': ','.join(
                    server.address for server in self.memcached),
                'update_interval': 0.1}
        api = kind(
            directory, venv,
            stores={name: {**store, 'pool': pool}
                    for name, pool in side.pools.items()},
            ceph_client_conf=self.ceph.client_conf,
            database=glance_database.InMariaDb(self.mariadb, side.name),
            router=api_base.ROUTER if side.ours else None,
            options=options, **more)
        if side.hosts:  # the first one has made the tables
            (api.directory / 'tables-made').touch()
        side.hosts[host] = api
