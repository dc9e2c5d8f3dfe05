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

"""Placement."""

from __future__ import annotations

from allinone.openstack import api
from allinone.openstack import layout
from allinone.openstack import project


class Placement(project.Project):
    name = 'placement'

    def __init__(self, site: layout.Site) -> None:
        super().__init__(site)
        self.api = api.Api(
            site, 'placement', 'placement.wsgi.api', 'placement',
            {'OS_PLACEMENT_CONFIG_DIR': str(self.etc)})
        self.services = (self.api,)

    def configure(self) -> None:
        self.site.make_directories(self.name)
        self.write_conf({
            'placement_database': {
                'connection': self.site.database_url('placement')},
            'api': {'auth_strategy': 'keystone'},
        })

    def sync(self) -> None:
        self.manage('placement-manage', 'db', 'sync')
