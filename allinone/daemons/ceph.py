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

"""A Ceph cluster of one monitor, one manager and one or several OSDs.

It is a cluster to be thrown away: one copy of each object, one pool size
for all, secrets in plain files that only their owner can read.
"""

from __future__ import annotations

from collections.abc import Sequence
import concurrent.futures
import ipaddress
import json
import os
import pathlib
import shutil
import socket
from typing import Any
import uuid

import portpicker

from allinone import command
from allinone.daemons import ceph_config
from allinone import files
from allinone import service

#: Seconds that a command of ours may wait for the cluster.
COMMAND_TIMEOUT = 60


class Daemon(service.Service):
    """Runs one of the cluster's daemons in the foreground."""

    #: Program and arguments that run the daemon somewhere else, such as in
    #: a network namespace.
    within: Sequence[str] = ()

    def __init__(self, cluster: Ceph, kind: str, ident: str,
                 name: str | None = None) -> None:
        super().__init__(name or f'ceph-{kind}', cluster.directory)
        self.cluster = cluster
        self.program = f'ceph-{kind}'
        self.ident = ident

    def command(self) -> list[str]:
        return [*self.within, self.program, '-f', '-i', self.ident,
                '-c', str(self.cluster.server_conf)]

    def environment(self) -> dict[str, str]:
        return self.cluster.environment()

    def ask(self, *args: str) -> Any:
        """Return what the cluster answers, or {} while it does not answer."""
        try:
            return self.cluster.ceph(*args, parse=True, timeout=20)
        except service.ServiceError:
            return {}


class Monitor(Daemon):
    port_setting = 'another mon_port'

    def __init__(self, cluster: Ceph) -> None:
        super().__init__(cluster, 'mon', 'a')
        self.ports = (cluster.mon_port,)

    def ready(self) -> bool:
        """Tell whether it listens: then clients wait for it by themselves."""
        with socket.socket() as probe:
            return probe.connect_ex(
                (self.cluster.address, self.ports[0])) == 0


class Manager(Daemon):
    def __init__(self, cluster: Ceph) -> None:
        super().__init__(cluster, 'mgr', 'x')

    def ready(self) -> bool:
        return bool(self.ask('mgr', 'stat').get('available'))


class Osd(Daemon):
    def __init__(self, cluster: Ceph, number: int) -> None:
        # The name of the first one is older than the others.
        super().__init__(cluster, 'osd', str(number),
                         f'ceph-osd-{number}' if number else None)

    def ready(self) -> bool:
        """Tell what the OSD says: the monitor may know the one before it."""
        return bool(self.ask('tell', f'osd.{self.ident}', 'status').get(
            'state') == 'active')


class Ceph:
    """Runs a cluster, which the first start makes and later ones keep.

    :param directory: holds everything; it is made if it is missing
    :param mon_port: TCP port of a cluster that is to be made, which keeps it;
        any free one if none is given
    :param osds: number of OSDs; there are as many copies of each object
    :param address: IPv4 address of the monitor, in a network of 24 bits that
        has the other daemons, too
    :param osd_size: bytes of the sparse file that is an OSD's disk
    """

    def __init__(self, directory: str | os.PathLike[str],
                 mon_port: int | None = None, osds: int = 1,
                 address: str = '127.0.0.1',
                 osd_size: int = ceph_config.OSD_SIZE) -> None:
        self.directory = pathlib.Path(directory).absolute()
        self._made = self.directory / 'cluster.json'
        if self._made.exists():
            facts = json.loads(self._made.read_text())
        else:
            facts = {'fsid': str(uuid.uuid4()),
                     'mon_port': mon_port or portpicker.pick_unused_port()}
        self.fsid: str = facts['fsid']
        self.mon_port: int = facts['mon_port']
        self.server_conf = self.directory / 'ceph.conf'
        #: The ceph.conf for clients; it finds the keyrings of all users.
        self.client_conf = self.directory / 'client' / 'ceph.conf'
        self.mon = Monitor(self)
        self.mgr = Manager(self)
        self.osds = [Osd(self, number) for number in range(osds)]
        self.osd = self.osds[0]
        self.address = address
        self._osd_size = osd_size

    def environment(self) -> dict[str, str]:
        """Return an environment in which nothing names another cluster."""
        env = {key: value for key, value in os.environ.items()
               if not key.startswith('CEPH_')}
        return {**env, 'CEPH_CONF': str(self.client_conf)}

    def start(self, patience: float = 60) -> None:
        """Start what does not run yet and wait until all of it works.

        :param patience: seconds that each daemon gets
        :raises ServiceError: if that fails, and then nothing runs
        """
        try:
            if self._made.exists():
                self._start(None, patience)
            else:
                self._make_monitor()
                with concurrent.futures.ThreadPoolExecutor(1) as executor:
                    self._start(executor.submit(self._make_disks), patience)
                self._made.write_text(json.dumps(
                    {'fsid': self.fsid, 'mon_port': self.mon_port}))
        except BaseException:
            self.stop()
            raise

    def _start(self, new_disks: concurrent.futures.Future[list[str]] | None,
               patience: float) -> None:
        for daemon in (self.mon, self.mgr, *self.osds):
            if daemon is self.osd and new_disks is not None:
                for number, disk in enumerate(new_disks.result()):
                    self.ceph('osd', 'new', disk, str(number))
            if not daemon.running:
                daemon.start()
            if daemon is self.mon:
                daemon.wait_ready(patience)
        for daemon in (*self.osds, self.mgr):
            daemon.wait_ready(patience)

    def stop(self) -> None:
        """End all daemons, and keep the data."""
        for daemon in (*self.osds, self.mgr, self.mon):
            daemon.stop()

    def __enter__(self) -> Ceph:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def _make_monitor(self) -> None:
        for name in ('mon', 'mgr', 'osd', 'client'):  # a broken attempt's
            shutil.rmtree(self.directory / name, ignore_errors=True)
            (self.directory / name).mkdir(mode=0o700, parents=True)
        copies = len(self.osds)
        for osd in self.osds:
            (self.directory / 'osd' / osd.ident).mkdir()
        values = {'directory': self.directory, 'fsid': self.fsid,
                  'mon_host': self.address, 'mon_port': self.mon_port,
                  'network': ipaddress.ip_network(
                      f'{self.address}/24', strict=False),
                  'osd_size': self._osd_size, 'copies': copies,
                  'min_copies': copies - copies // 2}
        self.server_conf.write_text(
            ceph_config.server_conf(copies).format(**values))
        self.client_conf.write_text(
            ceph_config.CLIENT_CONF.format(**values))
        keys = {entity: ceph_config.keyring(entity, caps)
                for entity, caps in ceph_config.caps(copies).items()}
        keyring = self.directory / 'keyring'
        files.write_private(keyring, ''.join(keys.values()))
        files.write_private(self.keyring('admin'), keys['client.admin'])
        monmap = str(self.directory / 'monmap')
        self._run('monmaptool', '--create', '--clobber', '--fsid', self.fsid,
                  '--addv', 'a', f'v2:{self.address}:{self.mon_port}', monmap)
        self._run('ceph-mon', '--mkfs', '-i', 'a', '--monmap', monmap,
                  '-c', str(self.server_conf), '--keyring', str(keyring))

    def _make_disks(self) -> list[str]:
        """Make the OSDs' disks, for which no monitor is needed.

        :returns: their UUIDs
        """
        disks = []
        for osd in self.osds:
            disks.append(str(uuid.uuid4()))
            self._run('ceph-osd', '--mkfs', '-i', osd.ident, '--osd-uuid',
                      disks[-1], '--no-mon-config', '-c',
                      str(self.server_conf))
        return disks

    def create_pool(self, name: str, quota_bytes: int | None = None) -> None:
        """Make a pool for RBD images and wait until it can be used.

        :param quota_bytes: after so many bytes the pool counts as full
        """
        self.ceph('osd', 'pool', 'create', name)
        self.rbd('pool', 'init', name)
        if quota_bytes is not None:
            self.ceph('osd', 'pool', 'set-quota', name, 'max_bytes',
                      str(quota_bytes))

    def delete_pool(self, name: str) -> None:
        """Delete a pool and all that is in it."""
        self.ceph('osd', 'pool', 'delete', name, name,
                  '--yes-i-really-really-mean-it')

    def keyring(self, user: str) -> pathlib.Path:
        """Return the path of a user's keyring, which client_conf knows."""
        return self.client_conf.parent / f'ceph.client.{user}.keyring'

    def create_user(self, name: str, pools: Sequence[str],
                    readable: Sequence[str] = ()) -> pathlib.Path:
        """Make client.NAME, who may use RBD in these pools.

        :param readable: pools in which the user may only read
        :returns: the path of the user's keyring
        """
        caps = ', '.join(
            [f'profile rbd pool={pool}' for pool in pools]
            + [f'profile rbd-read-only pool={pool}' for pool in readable])
        files.write_private(self.keyring(name), self.ceph(
            'auth', 'get-or-create', f'client.{name}', 'mon', 'profile rbd',
            'osd', caps, 'mgr', caps))
        return self.keyring(name)

    def ceph(self, *args: str, parse: bool = False,
             timeout: float = COMMAND_TIMEOUT) -> Any:
        """Run the ceph command as client.admin.

        :param parse: whether to ask for JSON and to return what it says,
            instead of the standard output
        :param timeout: seconds after which it is killed
        :raises ServiceError: if it fails or takes too long
        """
        return self._client('ceph', args, parse, timeout)

    def rbd(self, *args: str, parse: bool = False,
            timeout: float = COMMAND_TIMEOUT) -> Any:
        """Run the rbd command as client.admin, as ceph() runs the other."""
        return self._client('rbd', args, parse, timeout)

    def _client(self, program: str, args: Sequence[str], parse: bool,
                timeout: float) -> Any:
        form = ('--format', 'json') if parse else ()
        output = self._run(program, *args, *form, timeout=timeout)
        return json.loads(output) if parse else output

    def _run(self, *line: str, timeout: float = COMMAND_TIMEOUT) -> str:
        return command.run('ceph', line, env=self.environment(),
                           timeout=timeout)
