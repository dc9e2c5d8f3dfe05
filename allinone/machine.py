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

"""Services that belong together, started in order, found again later."""

from __future__ import annotations

import abc
import json
import os
import pathlib

from allinone.daemons import ceph
from allinone.daemons import glance
from allinone.daemons import memcached
from allinone import schedule
from allinone import service


POOL = 'images'


class Machine(abc.ABC):
    """Runs the services of one directory.

    :param directory: holds everything
    """

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory.absolute()
        #: The services in the order in which they start, and where they are.
        self.services: list[tuple[service.Service, str]] = []

    @abc.abstractmethod
    def up(self) -> None:
        """Start what does not run, and end everything if that fails.

        :raises ServiceError: if a service cannot be started
        """

    def down(self) -> None:
        """End what runs, and keep the data."""
        for daemon, _ in reversed(self.services):
            if daemon.running:
                schedule.do(daemon.name, daemon.stop)

    def status(self) -> bool:
        """Print a line for each service and tell whether all of them run."""
        for daemon, address in self.services:
            state = (f'process {daemon.pid:<8} {address}' if daemon.running
                     else 'down')
            print(f'{daemon.name:<16} {state}')
        return all(daemon.running for daemon, _ in self.services)

    def logs(self) -> None:
        """Print the end of each service's log."""
        for daemon, _ in self.services:
            print(f'==> {daemon.log_path}\n{daemon.log_tail()}\n')


class ImageMachine(Machine):
    """Runs Ceph, memcached and glance-api with the progress of uploads.

    Its ports are kept in the directory, so that a later process finds them.

    :param directory: holds everything
    :param venv: the virtual environment of Glance
    """

    def __init__(self, directory: pathlib.Path, venv: pathlib.Path) -> None:
        super().__init__(directory)
        self._ports_path = directory / 'ports.json'
        ports = {'memcached': 21211, 'glance': 29292}
        if self._ports_path.exists():
            ports.update(json.loads(self._ports_path.read_text()))
        for name in ports:
            ports[name] = int(os.environ.get(_variable(name), ports[name]))
        self._ports = ports
        self.ceph = ceph.Ceph(directory / 'ceph')
        self.memcached = memcached.Memcached(directory, ports['memcached'])
        self.memcached.port_setting = _variable('memcached')
        self.glance = glance.GlanceApi(
            directory, venv, port=ports['glance'],
            ceph_client_conf=self.ceph.client_conf,
            stores={'ceph': {'type': 'rbd', 'pool': POOL}},
            router='glance_progress.api:API.factory',
            options={'glance_progress': {
                'memcached_servers': self.memcached.address}})
        self.glance.port_setting = _variable('glance')
        self.services = [
            (self.ceph.mon, f'127.0.0.1:{self.ceph.mon_port}'),
            (self.ceph.mgr, ''),
            (self.ceph.osd, ''),
            (self.memcached, self.memcached.address),
            (self.glance, self.glance.url)]

    def up(self) -> None:
        try:
            schedule.do('ceph', self._start_ceph)
            for daemon in (self.memcached, self.glance):
                schedule.do(daemon.name, daemon.ensure)
            self._ports_path.write_text(json.dumps(self._ports))
        except BaseException:
            self.down()
            raise

    def _start_ceph(self) -> None:
        self.ceph.start()
        self.ceph.create_pool(POOL)
        self.ceph.create_user('glance', [POOL])


def _variable(name: str) -> str:
    return f'GLANCE_PROGRESS_{name.upper()}_PORT'
