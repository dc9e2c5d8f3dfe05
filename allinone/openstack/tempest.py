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

"""Tempest's view of the cloud."""

from __future__ import annotations

import pathlib

from allinone import ini
from allinone.openstack import accounts
from allinone.openstack import content
from allinone.openstack import layout

#: What `tempest init` writes, with a path.
_STESTR = """\
[DEFAULT]
test_path={test_path}
top_dir={top_dir}
group_regex=([^\\.]*\\.)*
"""


def workspace(site: layout.Site) -> pathlib.Path:
    """Return the directory from which `tempest run` is run."""
    return site.directory / 'tempest'


def conf(site: layout.Site) -> pathlib.Path:
    """Return the path of tempest.conf."""
    return workspace(site) / 'etc' / 'tempest.conf'


def write(site: layout.Site) -> None:
    """Write tempest.conf and what else makes a workspace."""
    with accounts.connect(site, 'admin') as admin:
        image, image_alt = (
            admin.image.find_image(name).id for name in content.IMAGES)
        flavor, flavor_alt = (
            admin.compute.find_flavor(name).id for name in content.FLAVORS)
    here = workspace(site)
    conf(site).parent.mkdir(parents=True, exist_ok=True)
    conf(site).write_text(ini.conf({
        'DEFAULT': {'log_file': here / 'tempest.log', 'debug': 'true'},
        'oslo_concurrency': {'lock_path': here / 'lock'},
        'auth': {
            'admin_username': 'admin', 'admin_project_name': 'admin',
            'admin_password': site.passwords['admin'],
            'admin_domain_name': 'Default',
            'use_dynamic_credentials': 'true',
            'create_isolated_networks': 'true'},
        'identity': {'uri_v3': site.auth_url, 'auth_version': 'v3',
                     'region': layout.REGION, 'v3_endpoint_type': 'public'},
        'identity-feature-enabled': {'api_v3': 'true'},
        'service_available': {
            'cinder': 'true', 'swift': 'false', 'horizon': 'false',
            'neutron': 'true', 'glance': 'true', 'nova': 'true'},
        # Without min_microversion: with it, the oldest tests are skipped.
        'compute': {
            'image_ref': image, 'image_ref_alt': image_alt,
            'flavor_ref': flavor, 'flavor_ref_alt': flavor_alt,
            'max_microversion': 'latest', 'build_interval': 1,
            'build_timeout': 300, 'ready_wait': 0},
        'compute-feature-enabled': {
            'resize': 'false', 'cold_migration': 'false',
            'live_migration': 'false', 'vnc_console': 'false',
            'console_output': 'true', 'rescue': 'false',
            'snapshot': 'true', 'shelve': 'false',
            'attach_encrypted_volume': 'false'},
        'volume': {'build_interval': 1, 'storage_protocol': 'ceph'},
        'volume-feature-enabled': {'backup': 'false'},
        'image': {'build_interval': 1},
        'image-feature-enabled': {'import_image': 'true'},
        # Its guests do not answer: they have no operating system.
        'validation': {'run_validation': 'false'},
        'network': {'project_network_cidr': '10.100.0.0/16',
                    'project_network_mask_bits': 28},
    }))
    package = next((site.venv / 'lib').glob(
        'python3*/site-packages/tempest'))
    (here / '.stestr.conf').write_text(_STESTR.format(
        test_path=package / 'test_discover', top_dir=package.parent))
