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

"""Keystone, with its first administrator and its own endpoints."""

from __future__ import annotations

from allinone.openstack import api
from allinone.openstack import layout
from allinone.openstack import project

# Whoever runs the services owns the keys.
_OWNER = ('--keystone-user', 'root', '--keystone-group', 'root')


class Keystone(project.Project):
    name = 'keystone'

    def __init__(self, site: layout.Site) -> None:
        super().__init__(site)
        self.api = api.Api(
            site, 'keystone', 'keystone.wsgi.api', 'keystone',
            {'OS_KEYSTONE_CONFIG_DIR': str(self.etc)})
        self.services = (self.api,)

    def configure(self) -> None:
        self.site.make_directories(self.name)
        self.write_conf({
            'database': {'connection': self.site.database_url('keystone')},
            'token': {'provider': 'fernet'},
            'fernet_tokens': {'key_repository': self.state / 'fernet'},
            'fernet_receipts': {'key_repository': self.state / 'receipts'},
            'credential': {'key_repository': self.state / 'credential'},
            'cache': {'enabled': 'true',
                      'backend': 'oslo_cache.memcache_pool',
                      'memcache_servers': self.site.memcached_address},
        })

    def sync(self) -> None:
        self.manage('keystone-manage', 'db_sync')
        self.manage('keystone-manage', 'fernet_setup', *_OWNER)
        self.manage('keystone-manage', 'credential_setup', *_OWNER)
        url = self.site.auth_url
        self.manage(
            'keystone-manage', 'bootstrap',
            '--bootstrap-public-url', url, '--bootstrap-internal-url', url,
            '--bootstrap-admin-url', url,
            '--bootstrap-region-id', layout.REGION,
            env={'OS_BOOTSTRAP_PASSWORD': self.site.passwords['admin']})
