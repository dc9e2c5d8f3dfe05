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

"""Nova with one compute host: libvirt, whose disks are in Ceph."""

from __future__ import annotations

import pathlib
import shutil

from allinone.daemons import rabbitmq
from allinone.openstack import api
from allinone.openstack import layout
from allinone.openstack import project
from allinone.openstack import rpc

#: The pool of the servers' disks.
POOL = 'vms'


class Compute(rpc.RpcService):
    """Runs nova-compute."""

    def __init__(self, site: layout.Site, broker: rabbitmq.RabbitMq,
                 conf: pathlib.Path) -> None:
        super().__init__(site, broker, 'nova-compute', conf,
                         queue=f'compute.{layout.HOST}', places={})


class Nova(project.Project):
    """Has API, conductor, scheduler and compute.

    :param broker: where the services listen
    :param ceph_conf: the ceph.conf that Ceph's user `nova` reads
    :param libvirt_uri: where libvirtd is
    """

    name = 'nova'

    def __init__(self, site: layout.Site, broker: rabbitmq.RabbitMq,
                 ceph_conf: pathlib.Path, libvirt_uri: str) -> None:
        super().__init__(site)
        self.ceph_conf = ceph_conf
        self.libvirt_uri = libvirt_uri
        self.paste_ini = self.etc / 'api-paste.ini'
        self.api = api.Api(
            site, 'nova-api', 'nova.wsgi.osapi_compute', 'nova',
            {'OS_NOVA_CONFIG_DIR': str(self.etc)})
        self.conductor, self.scheduler = (
            rpc.RpcService(site, broker, f'nova-{topic}', self.conf,
                           queue=f'{topic}.{layout.HOST}')
            for topic in ('conductor', 'scheduler'))
        self.compute = Compute(site, broker, self.conf)
        self.services = (
            self.conductor, self.scheduler, self.api, self.compute)

    def configure(self) -> None:
        self.site.make_directories(self.name, 'instances')
        packaged = self.site.venv / 'etc' / 'nova'
        shutil.copy(packaged / self.paste_ini.name, self.paste_ini)
        privsep = {'helper_command': f'{self.site.program("privsep-helper")}'
                                     f' --config-file {self.conf}'}
        self.write_conf({
            'DEFAULT': {
                'debug': 'true', 'host': layout.HOST, 'my_ip': '127.0.0.1',
                'transport_url': self.site.transport_url,
                'state_path': self.state,
                'instances_path': self.state / 'instances',
                'rootwrap_config': packaged / 'rootwrap.conf',
                'compute_driver': 'libvirt.LibvirtDriver',
                # A server's guest has no ACPI that would end it.
                'shutdown_timeout': 1,
                # No agent ever says that a port is plugged.
                'vif_plugging_is_fatal': 'false',
                'vif_plugging_timeout': 0,
                'graceful_shutdown_timeout': 5,
                # A machine that is slow is not down.
                'service_down_time': 300},
            'api': {'auth_strategy': 'keystone'},
            'api_database': {
                'connection': self.site.database_url('nova_api')},
            'database': {'connection': self.site.database_url('nova')},
            'conductor': {'workers': 1},
            'scheduler': {'workers': 1},
            'vnc': {'enabled': 'false'},
            'spice': {'enabled': 'false'},
            'glance': self.site.service_auth('nova'),
            'placement': self.site.service_auth('nova'),
            'neutron': self.site.service_auth('nova'),
            'cinder': {**self.site.service_auth('nova'),
                       'catalog_info': 'block-storage::publicURL'},
            'key_manager': self.site.key_manager('nova'),
            'libvirt': {
                'connection_uri': self.libvirt_uri,
                # A boot sector is done in 0.1 s, under KVM in 4 s.
                'virt_type': 'qemu', 'cpu_mode': 'none', 'num_pcie_ports': 0,
                'images_type': 'rbd', 'images_rbd_pool': POOL,
                'images_rbd_ceph_conf': self.ceph_conf, 'rbd_user': 'nova',
                'rbd_secret_uuid': self.site.ceph_secrets['nova']},
            'nova_sys_admin': privsep, 'privsep_osbrick': privsep,
            'vif_plug_linux_bridge_privileged': privsep,
            'vif_plug_ovs_privileged': privsep,
        })

    def sync(self) -> None:
        self.manage('nova-manage', 'api_db', 'sync')
        self.manage('nova-manage', 'cell_v2', 'map_cell0',
                    '--database_connection',
                    self.site.database_url('nova_cell0'))
        self.manage('nova-manage', 'db', 'sync')
        # The last one: it cannot be done twice.
        self.manage('nova-manage', 'cell_v2', 'create_cell', '--name', 'cell1')

    def discover(self) -> None:
        """Let the scheduler know of the compute host, once it runs."""
        self.manage('nova-manage', 'cell_v2', 'discover_hosts')
