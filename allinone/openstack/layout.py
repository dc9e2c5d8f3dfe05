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

"""What the services of a cloud know of each other."""

from __future__ import annotations

from collections.abc import Callable
import json
import os
import pathlib
import secrets
import threading
from typing import Any
import uuid

import portpicker

from allinone import files
from allinone import ini

REGION = 'RegionOne'
#: The project of the services' own users.
SERVICE_PROJECT = 'service'
RABBITMQ_USER = 'openstack'
#: The one compute host.
HOST = 'aio'

PORTS = ('memcached', 'mariadb', 'epmd', 'rabbitmq', 'rabbitmq_dist',
         'keystone', 'glance', 'placement', 'neutron', 'nova', 'cinder',
         'horizon')
USERS = ('admin', 'demo', 'alt_demo', 'rabbitmq',
         'keystone', 'glance', 'placement', 'neutron', 'nova', 'cinder')
DATABASES = ('keystone', 'glance', 'placement', 'neutron', 'nova_api',
             'nova_cell0', 'nova', 'cinder')
#: Ceph's users whose keys guests have.
GUESTS_USERS = ('nova', 'cinder')


def port_variable(name: str) -> str:
    """Return the environment variable with which a port can be chosen."""
    return f'GLANCE_PROGRESS_{name.upper()}_PORT'


class Site:
    """Has ports, passwords and paths, the same ones in each later process.

    :param directory: holds everything
    :param venv: the virtual environment of all services
    """

    def __init__(self, directory: pathlib.Path, venv: pathlib.Path) -> None:
        self.directory = directory.absolute()
        self.venv = venv.absolute()
        self._path = self.directory / 'cloud.json'
        facts: dict[str, Any] = {}
        if self._path.exists():
            facts = json.loads(self._path.read_text())
        self.ports: dict[str, int] = facts.get('ports') or {
            name: int(os.environ.get(port_variable(name)) or
                      portpicker.pick_unused_port()) for name in PORTS}
        self.passwords: dict[str, str] = facts.get('passwords') or {
            name: secrets.token_hex(12) for name in USERS}
        #: By which libvirt knows the keys of Ceph's users.
        self.ceph_secrets: dict[str, str] = facts.get('ceph_secrets') or {
            name: str(uuid.uuid4()) for name in GUESTS_USERS}
        #: The environment of Horizon; None in a cloud without it.
        self.dashboard_venv: pathlib.Path | None = (
            pathlib.Path(facts['dashboard_venv'])
            if facts.get('dashboard_venv') else None)
        #: With which Horizon signs.
        self.dashboard_key: str = (
            facts.get('dashboard_key') or secrets.token_hex(32))
        #: The key of all encrypted volumes: there is no Barbican.
        self.volume_key: str = (
            facts.get('volume_key') or secrets.token_hex(32))
        #: What has been made and need not be made again.
        self.made: set[str] = set(facts.get('made', ()))
        self._lock = threading.Lock()

    def save(self) -> None:
        """Keep what the next process has to know."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.write_private(self._path, json.dumps({
            'ports': self.ports, 'passwords': self.passwords,
            'ceph_secrets': self.ceph_secrets, 'volume_key': self.volume_key,
            'dashboard_venv': str(self.dashboard_venv or ''),
            'dashboard_key': self.dashboard_key,
            'made': sorted(self.made)}))

    def once(self, name: str, make: Callable[[], object]) -> None:
        """Make something unless it has been made before."""
        if name not in self.made:
            make()
            with self._lock:
                self.made.add(name)
                self.save()

    def etc(self, project: str) -> pathlib.Path:
        """Return the directory of a project's configuration files."""
        return self.directory / 'etc' / project

    def state(self, project: str) -> pathlib.Path:
        """Return the directory of what a project's services keep."""
        return self.directory / 'state' / project

    def environment(self) -> dict[str, str]:
        """Return the environment variables of a service or a command."""
        # os-brick leaves a file with a key of Ceph's in the one for each
        # volume that it opens, and stevedore its lists in the other.
        return {**os.environ, 'TMPDIR': str(self.directory / 'tmp'),
                'XDG_CACHE_HOME': str(self.directory / 'cache')}

    def program(self, name: str) -> str:
        """Return the path of a command of the services."""
        return str(self.venv / 'bin' / name)

    def url(self, project: str) -> str:
        """Return where a project's API answers."""
        return f'http://127.0.0.1:{self.ports[project]}'

    @property
    def auth_url(self) -> str:
        return f'{self.url("keystone")}/v3'

    @property
    def memcached_address(self) -> str:
        return f'127.0.0.1:{self.ports["memcached"]}'

    @property
    def transport_url(self) -> str:
        return (f'rabbit://{RABBITMQ_USER}:{self.passwords["rabbitmq"]}'
                f'@127.0.0.1:{self.ports["rabbitmq"]}/')

    def database_url(self, name: str) -> str:
        """Return where a database is, as oslo.db writes it."""
        user = database_user(name)
        return (f'mysql+pymysql://{user}:{self.passwords[user]}@127.0.0.1:'
                f'{self.ports["mariadb"]}/{name}?charset=utf8mb3')

    def credentials(self, user: str,
                    project: str = SERVICE_PROJECT) -> dict[str, object]:
        """Return a user's credentials, named as keystoneauth1 does."""
        return {'auth_url': self.auth_url, 'username': user,
                'password': self.passwords[user], 'project_name': project,
                'user_domain_name': 'Default',
                'project_domain_name': 'Default'}

    def service_auth(self, user: str) -> dict[str, object]:
        """Return a section of options with which one service calls another."""
        return {**self.credentials(user), 'auth_type': 'password',
                'region_name': REGION}

    def key_manager(self, project: str) -> dict[str, object]:
        """Return the options with which a project finds volumes' keys.

        :param project: `nova` or `cinder`
        """
        return {'backend': f'{project}.keymgr.conf_key_mgr.ConfKeyManager',
                'fixed_key': self.volume_key}

    def common(self, project: str) -> ini.Options:
        """Return the options that the services of all projects have."""
        return {
            'keystone_authtoken': {
                **self.credentials(project), 'auth_type': 'password',
                'www_authenticate_uri': self.auth_url,
                'memcached_servers': self.memcached_address,
                'service_token_roles': 'service',
                'service_token_roles_required': 'true'},
            'oslo_concurrency': {'lock_path': self.state(project) / 'lock'},
            # Else those of /etc are read where they exist.
            'oslo_policy': {'policy_dirs': self.etc(project) / 'policy.d'},
        }

    def make_directories(self, project: str, *names: str) -> None:
        """Make a project's directories, and those for its state."""
        for path in (self.directory / 'tmp', self.etc(project) / 'policy.d',
                     *(self.state(project) / name
                       for name in ('lock', *names))):
            path.mkdir(parents=True, exist_ok=True)


def database_user(database: str) -> str:
    """Return the name of the user to whom a database belongs."""
    return database.split('_')[0]
