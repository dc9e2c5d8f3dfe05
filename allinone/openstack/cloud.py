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

"""The whole cloud: what it is made of, and the order in which it starts."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
import contextlib
import pathlib

from allinone import command
from allinone.daemons import ceph
from allinone.daemons import libvirtd
from allinone.daemons import mariadb
from allinone.daemons import memcached
from allinone.daemons import rabbitmq
from allinone import machine
from allinone.openstack import accounts
from allinone.openstack import cinder
from allinone.openstack import client_files
from allinone.openstack import content
from allinone.openstack import glance
from allinone.openstack import horizon
from allinone.openstack import keystone
from allinone.openstack import layout
from allinone.openstack import neutron
from allinone.openstack import nova
from allinone.openstack import placement
from allinone.openstack import project
from allinone.openstack import tempest
from allinone.openstack import this_project
from allinone import schedule
from allinone import service

#: Seconds in which a service has to be ready, on a machine that has other
#: things to do.
PATIENCE = 180


class Cloud(machine.Machine):
    """Runs Keystone, Glance, Placement, Neutron's API, Nova and Cinder.

    :param directory: holds everything; it is made if it is missing
    :param venv: the virtual environment of all services, with this package
    :param dashboard_venv: that of Horizon, with this package, for a cloud that
        is to have it from now on
    """

    def __init__(self, directory: pathlib.Path, venv: pathlib.Path,
                 dashboard_venv: pathlib.Path | None = None) -> None:
        super().__init__(directory)
        self.site = site = layout.Site(directory, venv)
        site.dashboard_venv = dashboard_venv or site.dashboard_venv
        self.ceph = ceph.Ceph(self.directory / 'ceph')
        self.memcached = memcached.Memcached(
            self.directory, site.ports['memcached'])
        self.mariadb = mariadb.MariaDb(
            self.directory, site.ports['mariadb'],
            {name: (user := layout.database_user(name), site.passwords[user])
             for name in layout.DATABASES})
        self.epmd = rabbitmq.Epmd(self.directory, site.ports['epmd'])
        self.rabbitmq = rabbitmq.RabbitMq(
            self.directory, site.ports['rabbitmq'],
            site.ports['rabbitmq_dist'], self.epmd, layout.RABBITMQ_USER,
            site.passwords['rabbitmq'])
        self.libvirtd = libvirtd.Libvirtd(self.directory)
        self.keystone = keystone.Keystone(site)
        self.glance = glance.Glance(site, self.ceph.client_conf)
        self.placement = placement.Placement(site)
        self.neutron = neutron.Neutron(site)
        self.nova = nova.Nova(
            site, self.rabbitmq, self.ceph.client_conf, self.libvirtd.uri)
        self.cinder = cinder.Cinder(
            site, self.rabbitmq, self.ceph.client_conf)
        self.projects: Sequence[project.Project] = (
            self.keystone, self.glance, self.placement, self.neutron,
            self.nova, self.cinder)
        #: None in a cloud without it.
        self.horizon = (horizon.Horizon(site, site.dashboard_venv)
                        if site.dashboard_venv else None)
        infrastructure: Sequence[service.Service] = (
            self.ceph.mon, self.ceph.mgr, self.ceph.osd, self.memcached,
            self.mariadb, self.epmd, self.rabbitmq, self.libvirtd)
        self.services = [
            (daemon, ' '.join(f'127.0.0.1:{port}' for port in daemon.ports))
            for daemon in (*infrastructure, *self._openstack())]
        for daemon, _ in self.services:
            daemon.port_setting = (
                'another GLANCE_PROGRESS_*_PORT for a new cloud')

    def _openstack(self) -> Iterator[service.Service]:
        for each in self.projects:
            yield from each.services
        if self.horizon:
            yield self.horizon.server

    def up(self) -> None:
        self.site.save()
        try:
            self.site.once('configuration', self._configure)
            self._plan().run(give_up=self._give_up)
        except BaseException:
            self.down()
            raise

    def _give_up(self) -> None:
        # Without a database they would try for minutes.
        command.kill_all()
        self.down()

    def _configure(self) -> None:
        """Write stock files, and then switch this package on in them."""
        for each in self.projects:
            each.configure()
        this_project.configure(self.site)
        client_files.write(self.site)

    def _plan(self) -> schedule.Schedule:
        """Return what has to be done, each step after those it needs.

        It takes the processors most of the time, so that what many wait for
        comes first.
        """
        plan = schedule.Schedule()
        plan.add('mariadb', self._ensure(self.mariadb))
        plan.add('memcached', self._ensure(self.memcached))
        for each in self.projects:
            plan.add(f'{each.name} tables', self._sync(each), ['mariadb'])
        plan.add('ceph', self._start_ceph)
        plan.add('rabbitmq', self._start_rabbitmq)
        plan.add('libvirtd', self._start_libvirtd, ['ceph'])
        plan.add('keystone', self._ensure(self.keystone.api),
                 ['keystone tables', 'memcached'])
        plan.add('accounts', self._accounts, ['keystone'])
        apis = {
            self.placement.api: ['placement tables'],
            self.glance.api: ['glance tables', 'ceph'],
            self.neutron.api: ['neutron tables', 'rabbitmq'],
            self.nova.conductor: ['nova tables', 'rabbitmq'],
            self.nova.scheduler: ['nova tables', 'rabbitmq', 'placement'],
            self.nova.api: ['nova tables', 'rabbitmq'],
            self.cinder.api: ['cinder tables', 'rabbitmq'],
            self.cinder.volume: ['cinder tables', 'rabbitmq', 'ceph'],
            self.cinder.scheduler: ['cinder tables', 'rabbitmq']}
        for daemon, after in apis.items():
            plan.add(daemon.name, self._ensure(daemon), ['accounts', *after])
        plan.add('nova-compute', self._ensure(self.nova.compute),
                 ['libvirtd', 'placement', 'nova-conductor'])
        plan.add('compute host', self._discover, ['nova-compute'])
        plan.add('images', self._content, ['glance-api', 'nova-api'])
        if self.horizon:
            plan.add('horizon', self._ensure(self.horizon.server),
                     ['dashboard files', 'memcached', 'accounts'])
            plan.add('dashboard files', self._dashboard)
        plan.add('tempest.conf', self._tempest, ['images'])
        return plan

    @staticmethod
    def _ensure(daemon: service.Service) -> Callable[[], None]:
        return lambda: daemon.ensure(PATIENCE)

    def _sync(self, each: project.Project) -> Callable[[], None]:
        return lambda: self.site.once(f'{each.name} tables', each.sync)

    def _start_ceph(self) -> None:
        self.ceph.start(PATIENCE)
        self.site.once('pools', self._create_pools)

    def _create_pools(self) -> None:
        images = list(glance.POOLS.values())
        for pool in (*images, nova.POOL, cinder.POOL):
            self.ceph.create_pool(pool)
        # As Ceph's documentation says, but that Nova is a user of its own,
        # who makes snapshots among the images.
        self.ceph.create_user('glance', images)
        self.ceph.create_user('nova', [*images, nova.POOL])
        self.ceph.create_user('cinder', [cinder.POOL, nova.POOL],
                              readable=images)

    def _start_rabbitmq(self) -> None:
        self.epmd.ensure(PATIENCE)
        self.rabbitmq.ensure(PATIENCE)

    def _start_libvirtd(self) -> None:
        self.libvirtd.ensure(PATIENCE)
        for user, secret in self.site.ceph_secrets.items():
            self.libvirtd.set_ceph_secret(
                secret, user,
                self.ceph.ceph('auth', 'get-key', f'client.{user}'))

    def _accounts(self) -> None:
        with _using(self.keystone.api):
            self.site.once('accounts', lambda: accounts.create(self.site))

    def _content(self) -> None:
        with _using(self.glance.api, self.nova.api):
            self.site.once('content', lambda: content.create(self.site))

    def _discover(self) -> None:
        self.site.once('compute host', self.nova.discover)

    def _dashboard(self) -> None:
        assert self.horizon
        self.site.once('dashboard files', self.horizon.make_files)

    def _tempest(self) -> None:
        with _using(self.glance.api, self.nova.api):
            self.site.once('tempest.conf', self._write_tempest_conf)

    def _write_tempest_conf(self) -> None:
        tempest.write(self.site)
        this_project.configure_tempest(self.site)

    def down(self) -> None:
        """End what runs, first those that use others, and keep the data."""
        users, used = schedule.Schedule(), schedule.Schedule()
        for daemon in self._openstack():
            self._plan_stop(users, daemon)
        # Always, for the sake of guests that have outlived it.
        used.add('libvirtd', self.libvirtd.stop)
        used.add('ceph', self.ceph.stop, ['libvirtd'])
        for each in self.memcached, self.mariadb, self.rabbitmq:
            self._plan_stop(used, each)
        try:
            users.run()
        finally:
            used.run()
            self.epmd.stop()

    @staticmethod
    def _plan_stop(plan: schedule.Schedule, daemon: service.Service) -> None:
        if daemon.running:
            plan.add(daemon.name, daemon.stop)


@contextlib.contextmanager
def _using(*apis: service.Service) -> Iterator[None]:
    """Show the logs of services when a client of them fails."""
    try:
        yield
    except service.ServiceError:
        raise
    except Exception as exc:
        raise service.ServiceError(
            ', '.join(api.name for api in apis),
            f'{type(exc).__name__}: {exc}',
            '\n'.join(f'==> {api.log_path}\n{api.log_tail()}'
                      for api in apis)) from exc
