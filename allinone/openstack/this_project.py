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

"""This package, switched on in a cloud that was configured without it.

The functions of the DevStack plugin do it, see allinone/openstack/devstack.sh.
"""

from __future__ import annotations

import pathlib

from allinone import command
from allinone.openstack import layout
from allinone.openstack import tempest

_SCRIPT = pathlib.Path(__file__).with_name('devstack.sh')


def configure(site: layout.Site) -> None:
    """Edit the files of Glance and Nova, and check them."""
    _devstack(site, 'configure')


def configure_tempest(site: layout.Site) -> None:
    """Tell Tempest what to expect of this cloud."""
    _devstack(site, 'test-config')


def _devstack(site: layout.Site, action: str) -> None:
    command.run(
        'glance-progress', [str(_SCRIPT), action, str(site.state('devstack'))],
        env={**site.environment(),
             'GLANCE_VENV': str(site.venv),
             'GLANCE_CONF_DIR': str(site.etc('glance')),
             'NOVA_VENV': str(site.venv),
             'NOVA_CONF_DIR': str(site.etc('nova')),
             'CINDER_VENV': str(site.venv),
             'CINDER_CONF_DIR': str(site.etc('cinder')),
             'ENABLED_SERVICES': 'g-api,n-api,n-cpu,c-api,c-vol,tempest',
             'TEMPEST_CONFIG': str(tempest.conf(site))},
        timeout=120)
