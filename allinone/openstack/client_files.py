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

"""What lets people use the cloud: clouds.yaml and openrc."""

from __future__ import annotations

import json
import pathlib
import shlex

from allinone import files
from allinone.openstack import accounts
from allinone.openstack import layout


def write(site: layout.Site) -> None:
    """Write both files, which hold passwords, for their owner alone."""
    clouds = {
        user: {'auth': site.credentials(user, user),
               'region_name': layout.REGION, 'identity_api_version': 3}
        for user in ('admin', *accounts.PEOPLE)}
    # JSON is YAML, too.
    files.write_private(
        clouds_yaml(site), json.dumps({'clouds': clouds}, indent=2) + '\n')
    variables = {'OS_IDENTITY_API_VERSION': '3',
                 'OS_REGION_NAME': layout.REGION, **{
                     f'OS_{name.upper()}': str(value) for name, value
                     in site.credentials('admin', 'admin').items()}}
    files.write_private(site.directory / 'openrc', ''.join(
        f'export {name}={shlex.quote(value)}\n'
        for name, value in variables.items()))


def clouds_yaml(site: layout.Site) -> pathlib.Path:
    """Return the path of clouds.yaml: admin, demo and alt_demo."""
    return site.directory / 'clouds.yaml'
