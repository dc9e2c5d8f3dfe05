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

"""Cinder with one backend: volumes that are in Ceph."""

from __future__ import annotations

import pathlib
import shutil

from allinone.daemons import rabbitmq
from allinone.openstack import api
from allinone.openstack import layout
from allinone.openstack import project
from allinone.openstack import rpc

#: The pool of the volumes.
POOL = 'volumes'

#: The backend, and the section of cinder.conf that tells of it.
BACKEND = 'ceph'


class Cinder(project.Project):
    """Has API, scheduler and volume.

    :param broker: where the services listen
    :param ceph_conf: the ceph.conf that Ceph's user `cinder` reads
    """

    name = 'cinder'

    def __init__(self, site: layout.Site, broker: rabbitmq.RabbitMq,
                 ceph_conf: pathlib.Path) -> None:
        super().__init__(site)
        self.ceph_conf = ceph_conf
        self.paste_ini = self.etc / 'api-paste.ini'
        # No environment variable names its files.
        self.api = api.Api(
            site, 'cinder-api', 'cinder.wsgi.api', 'cinder', {},
            args=['--pyargv', f'--config-file {self.conf}'])
        self.scheduler = rpc.RpcService(
            site, broker, 'cinder-scheduler', self.conf,
            queue=f'cinder-scheduler.{layout.HOST}')
        # os-brick looks for the keys of Ceph's users there and nowhere else.
        self.volume = rpc.RpcService(
            site, broker, 'cinder-volume', self.conf,
            queue=f'cinder-volume.{layout.HOST}@{BACKEND}',
            places={'/etc/ceph': ceph_conf.parent})
        self.services = (self.scheduler, self.api, self.volume)

    def configure(self) -> None:
        self.site.make_directories(self.name, 'conversion')
        packaged = self.site.venv / 'etc' / 'cinder'
        shutil.copy(packaged / self.paste_ini.name, self.paste_ini)
        privsep = {'helper_command': f'{self.site.program("privsep-helper")}'
                                     f' --config-file {self.conf}'}
        auth = self.site.service_auth('cinder')
        self.write_conf({
            'DEFAULT': {
                'debug': 'true', 'host': layout.HOST, 'my_ip': '127.0.0.1',
                'transport_url': self.site.transport_url,
                'auth_strategy': 'keystone', 'state_path': self.state,
                'api_paste_config': self.paste_ini,
                'resource_query_filters_file': (
                    packaged / 'resource_filters.json'),
                'rootwrap_config': packaged / 'rootwrap.conf',
                'glance_api_servers': self.site.url('glance'),
                'image_conversion_dir': self.state / 'conversion',
                'enabled_backends': BACKEND,
                # Of volumes that are attached.
                'enable_force_upload': 'true',
                # There is one backend to wait for.
                'scheduler_driver_init_wait_time': 1,
                # QEMU 7.2 makes a LUKS container now and then only: it
                # measures itself by ticks of the kernel's.
                'scheduler_max_attempts': 10,
                'graceful_shutdown_timeout': 5,
                # A machine that is slow is not down.
                'service_down_time': 300},
            BACKEND: {
                'volume_driver': 'cinder.volume.drivers.rbd.RBDDriver',
                'volume_backend_name': BACKEND, 'rbd_pool': POOL,
                'rbd_ceph_conf': self.ceph_conf, 'rbd_user': 'cinder',
                'rbd_secret_uuid': self.site.ceph_secrets['cinder'],
                'rbd_exclusive_cinder_pool': 'true'},
            'database': {'connection': self.site.database_url('cinder')},
            'glance': auth, 'nova': auth,
            'service_user': {**auth, 'send_service_user_token': 'true'},
            'key_manager': self.site.key_manager('cinder'),
            'cinder_sys_admin': privsep, 'privsep_osbrick': privsep,
        })

    def sync(self) -> None:
        self.manage('cinder-manage', 'db', 'sync')
