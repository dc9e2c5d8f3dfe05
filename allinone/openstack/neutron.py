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

"""Neutron's API, without any agent: Nova asks it, and nothing is switched.

Without a network service, Nova answers GET /servers/ID with 500.
"""

from __future__ import annotations

import pathlib
import shutil

from allinone.openstack import accounts
from allinone.openstack import api
from allinone.openstack import layout
from allinone.openstack import project

_ENTRY_POINTS = """\
[neutron.ml2.mechanism_drivers]
tap = ml2_tap:TapMechanismDriver
"""


class NeutronApi(api.Api):
    # Each look is a request to it and to Keystone.
    ready_poll = 0.5

    def __init__(self, site: layout.Site, etc: pathlib.Path,
                 plugins: pathlib.Path) -> None:
        super().__init__(
            site, 'neutron-api', 'neutron.wsgi.api', 'neutron',
            {'OS_NEUTRON_CONFIG_DIR': str(etc),
             'OS_NEUTRON_CONFIG_FILES': 'neutron.conf',
             'PYTHONPATH': str(plugins)})
        self.site = site

    def ready(self) -> bool:
        """Tell whether networks can be listed.

        If ports are the first to be asked for, the answer is 500: they refer
        to what is loaded with networks.
        """
        return super().ready() and accounts.get_works(
            self.site, 'network', '/v2.0/networks')


class Neutron(project.Project):
    name = 'neutron'

    def __init__(self, site: layout.Site) -> None:
        super().__init__(site)
        self.plugins = self.state / 'plugins'
        self.api = NeutronApi(site, self.etc, self.plugins)
        self.services = (self.api,)

    def configure(self) -> None:
        self.site.make_directories(self.name, 'plugins')
        self._install_driver()
        paste = self.etc / 'api-paste.ini'
        shutil.copy(self.site.venv / 'etc' / 'neutron' / paste.name, paste)
        self.write_conf({
            'DEFAULT': {
                'transport_url': self.site.transport_url,
                'auth_strategy': 'keystone', 'host': layout.HOST,
                'state_path': self.state, 'api_paste_config': paste,
                'core_plugin': 'ml2',
                'service_plugins': 'router,port_forwarding',
                'notify_nova_on_port_status_changes': 'false',
                'notify_nova_on_port_data_changes': 'false',
                'api_workers': 1, 'rpc_workers': 0},
            'database': {'connection': self.site.database_url('neutron')},
            'nova': self.site.service_auth('neutron'),
            'placement': self.site.service_auth('neutron'),
            'ml2': {'type_drivers': 'local,flat',
                    'tenant_network_types': 'local',
                    'mechanism_drivers': 'tap', 'extension_drivers': ''},
        })

    def _install_driver(self) -> None:
        """Put our driver where Neutron finds it: by an entry point."""
        here = pathlib.Path(__file__).parent
        shutil.copy(here / 'ml2_tap.py', self.plugins)
        metadata = self.plugins / 'ml2_tap-1.0.dist-info'
        metadata.mkdir(exist_ok=True)
        (metadata / 'METADATA').write_text(
            'Metadata-Version: 2.1\nName: ml2_tap\nVersion: 1.0\n')
        (metadata / 'entry_points.txt').write_text(_ENTRY_POINTS)

    def sync(self) -> None:
        self.manage('neutron-db-manage', 'upgrade', 'heads')
