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

"""glance-api with its own database and, instead of Keystone, trust.

Whoever reaches the service is whom the request's headers say: see
identity_headers(). That is fine for a throwaway service on loopback and for
nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import os
import pathlib
import tempfile
from typing import Any

import portpicker

import allinone
from allinone import command
from allinone.daemons import glance_config
from allinone.daemons import glance_database
from allinone.daemons import wsgi
from allinone import ini
from allinone import service


#: Keystone's implied roles, which a token has without being asked.
IMPLIED = {'admin': ('manager', 'member', 'reader'),
           'manager': ('member', 'reader'), 'member': ('reader',)}


def identity_headers(project: str, *roles: str,
                     user: str = 'somebody') -> dict[str, str]:
    """Return the headers that make a request come from somebody.

    :param project: project id
    :param roles: such as 'reader', 'member', 'admin' or 'service'
    :param user: user id
    """
    implied = [role for given in roles for role in IMPLIED.get(given, ())]
    return {'X-Identity-Status': 'Confirmed', 'X-User-Id': user,
            'X-Project-Id': project, 'X-Roles': ','.join([*roles, *implied])}


class GlanceBase(service.Service):
    """Does what all ways to run glance-api have in common.

    :param directory: holds configuration, database, staging and log
    :param venv: the virtual environment that Glance runs in
    :param stores: store id -> {'type': 'file', 'http', 'rbd_progress', ...,
        'pool': that of an RBD store, and any option of that store}. RBD
        stores use the Ceph user `glance`.
    :param default_store: a store id, that of the first store if none is
        given; without multi_store a scheme, `rbd` for both types of RBD stores
    :param multi_store: whether to write enabled_backends, instead of the
        older `stores`
    :param ceph_client_conf: the ceph.conf that RBD stores read
    :param database: where it keeps what it knows, SQLite in the directory if
        none is given
    :param port: TCP port, any free one if none is given
    :param options: section -> option -> value, for glance-api.conf; they
        replace what is written otherwise
    :param router: app factory for [app:apiv2app], 'module:factory', instead
        of the stock one
    :param name: tells several in one directory apart
    """

    #: Where the paste file is that Glance packages.
    packaged_paste_ini: pathlib.Path

    def __init__(self, directory: str | os.PathLike[str],
                 venv: str | os.PathLike[str], *,
                 stores: Mapping[str, Mapping[str, object]],
                 default_store: str | None = None,
                 multi_store: bool = True,
                 ceph_client_conf: pathlib.Path | None = None,
                 database: glance_database.Database | None = None,
                 port: int | None = None,
                 options: ini.Options | None = None,
                 router: str | None = None,
                 name: str = 'glance-api') -> None:
        super().__init__(name, directory)
        self.venv = pathlib.Path(venv).absolute()
        self.stores = stores
        self.default_store = default_store
        self.multi_store = multi_store
        self.ceph_client_conf = ceph_client_conf
        self.port = port or portpicker.pick_unused_port()
        self.ports = (self.port,)
        self.options: ini.Options = options or {}
        self.router = router
        #: Where the service answers.
        self.url = f'http://127.0.0.1:{self.port}'
        self.etc = self.directory / 'etc' / 'glance'
        self.conf = self.etc / 'glance-api.conf'
        self.paste_ini = self.etc / 'glance-api-paste.ini'
        self.database = database or glance_database.Sqlite(
            self.directory / 'glance.sqlite')
        self._tables_made = self.directory / 'tables-made'

    def start(self) -> None:
        """Write the files, make the database if it is new, and start.

        :raises ServiceError: if no database can be made, or as
            Service.start() says
        """
        if not self.running:
            self.prepare()
        super().start()

    def prepare(self) -> None:
        """Write the files, and make the tables if there are none."""
        self.write_files()
        if not self._tables_made.exists():
            self._make_tables()
            self._tables_made.touch()

    def ready(self) -> bool:
        """Tell whether the list of API versions can be had."""
        return wsgi.answers(self.port)

    def client(self, headers: Mapping[str, str]) -> Any:
        """Return a python-glanceclient for somebody.

        :param headers: what identity_headers() has returned
        """
        from glanceclient import client
        from keystoneauth1 import session
        from keystoneauth1 import token_endpoint
        # Not glanceclient's identity_headers: it quotes the commas in them.
        return client.Client('2', session=session.Session(
            auth=token_endpoint.Token(self.url, 'none'),
            additional_headers=dict(headers)))

    def write_files(self) -> None:
        """Write the configuration as the attributes say now."""
        for path in ('etc/glance/policy.d', 'staging', 'tasks', 'lock'):
            (self.directory / path).mkdir(parents=True, exist_ok=True)
        self.paste_ini.write_text(
            glance_config.paste_ini(self.packaged_paste_ini, self.router))
        self.conf.write_text(ini.conf(
            self.own_options(),
            glance_config.store_options(
                self.stores, self.default_store, self.multi_store,
                self.directory, self.ceph_client_conf),
            self.options))

    def own_options(self) -> ini.Options:
        """Return what the service needs to find its own files and port."""
        here = self.directory
        return {
            'DEFAULT': {
                'bind_host': '127.0.0.1',
                'bind_port': self.port,
                'worker_self_reference_url': self.url,
                'node_staging_uri': f'file://{here}/staging',
            },
            'os_glance_staging_store': {
                'filesystem_store_datadir': here / 'staging'},
            'os_glance_tasks_store': {
                'filesystem_store_datadir': here / 'tasks'},
            'database': {'connection': self.database.connection},
            'paste_deploy': {'flavor': glance_config.FLAVOR,
                             'config_file': self.paste_ini},
            'oslo_concurrency': {'lock_path': here / 'lock'},
            # Without it, /etc/glance/policy.d is read where it exists.
            'oslo_policy': {'policy_dirs': self.etc / 'policy.d'},
        }

    def _make_tables(self) -> None:
        version = self.python('from importlib import metadata\n'
                              'print(metadata.version("glance"))').strip()
        empty = allinone.home() / f'glance-{version}{self.database.suffix}'
        self.database.clear()
        if empty.exists():
            self.database.load(empty)
            return
        self.python('from glance.cmd import manage; manage.main()',
                    '--config-file', str(self.conf), 'db_sync')
        empty.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=empty.parent) as scratch:
            new = pathlib.Path(scratch) / empty.name
            self.database.dump(new)
            new.replace(empty)

    def python(self, code: str, *args: str) -> str:
        """Run Python code in the service's environment."""
        return command.run(
            self.name, [str(self.venv / 'bin' / 'python3'), '-c', code, *args],
            cwd=self.directory)


class GlanceApi(GlanceBase):
    """Runs a current glance-api under uwsgi, from a virtual environment.

    :param processes: number of worker processes
    :param threads: number of threads of each; None leaves out --threads and
        also --enable-threads
    :param uwsgi_args: further arguments for uwsgi
    """

    def __init__(self, directory: str | os.PathLike[str],
                 venv: str | os.PathLike[str], *, processes: int = 1,
                 threads: int | None = 8,
                 uwsgi_args: Sequence[str] = (),
                 **kwargs: Any) -> None:
        super().__init__(directory, venv, **kwargs)
        self.packaged_paste_ini = (
            self.venv / 'etc' / 'glance' / 'glance-api-paste.ini')
        self.processes = processes
        self.threads = threads
        self.uwsgi_args = uwsgi_args

    def environment(self) -> dict[str, str]:
        return {**super().environment(),
                'OS_GLANCE_CONFIG_DIR': str(self.etc)}

    def command(self) -> list[str]:
        return wsgi.command(
            self.venv, self.port, 'glance.wsgi.api', processes=self.processes,
            threads=self.threads, args=self.uwsgi_args)


class EventletGlanceApi(GlanceBase):
    """Runs the script of releases up to 2026.1 (32), under eventlet.

    :param workers: number of worker processes; with 0 the service itself works
    """

    def __init__(self, directory: str | os.PathLike[str],
                 venv: str | os.PathLike[str], *, workers: int = 0,
                 **kwargs: Any) -> None:
        super().__init__(directory, venv, **kwargs)
        self.packaged_paste_ini = (
            self.venv / 'etc' / 'glance' / 'glance-api-paste.ini')
        self.script = self.venv / 'bin' / 'glance-api'
        self.workers = workers

    def own_options(self) -> ini.Options:
        options = super().own_options()
        return {**options,
                'DEFAULT': {**options['DEFAULT'], 'workers': self.workers}}

    def command(self) -> list[str]:
        return [str(self.venv / 'bin' / 'python3'), str(self.script),
                '--config-file', str(self.conf)]


class DebianGlanceApi(EventletGlanceApi):
    """Runs Debian 12's glance-api 25.1 (Zed).

    :param venv: an environment made with --system-site-packages, or /usr
    """

    def __init__(self, directory: str | os.PathLike[str],
                 venv: str | os.PathLike[str] = '/usr',
                 **kwargs: Any) -> None:
        super().__init__(directory, venv, **kwargs)
        self.packaged_paste_ini = pathlib.Path(
            '/etc/glance/glance-api-paste.ini')
        self.script = pathlib.Path('/usr/bin/glance-api')
