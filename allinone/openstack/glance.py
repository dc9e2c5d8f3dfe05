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

"""glance-api with two stores in Ceph, as it is without this package."""

from __future__ import annotations

import pathlib
import shutil

from allinone.daemons import glance
from allinone.openstack import layout
from allinone.openstack import project

#: store -> pool; the first one is the default.
POOLS = {'ceph': 'images', 'second': 'second'}


class GlanceApi(glance.GlanceApi):
    """Runs a glance-api that asks Keystone, and whose files others edit."""

    def __init__(self, site: layout.Site, ceph_conf: pathlib.Path) -> None:
        super().__init__(
            site.directory, site.venv, port=site.ports['glance'],
            stores={store: {'type': 'rbd', 'pool': pool}
                    for store, pool in POOLS.items()},
            ceph_client_conf=ceph_conf)
        self._variables = site.environment()
        self.options = {
            **site.common('glance'),
            # A snapshot that is deleted when its hash has just been
            # calculated is answered with 500.
            'DEFAULT': {'show_image_direct_url': 'true',
                        'do_secure_hash': 'false'},
            'database': {'connection': site.database_url('glance')},
            'paste_deploy': {'flavor': 'keystone',
                             'config_file': self.paste_ini}}

    def environment(self) -> dict[str, str]:
        return {**super().environment(), **self._variables}

    def prepare(self) -> None:
        """Change nothing at a start."""

    def write_files(self) -> None:
        super().write_files()
        shutil.copy(self.packaged_paste_ini, self.paste_ini)


class Glance(project.Project):
    """Has the Image API.

    :param ceph_conf: the ceph.conf that Ceph's user `glance` reads
    """

    name = 'glance'

    def __init__(self, site: layout.Site, ceph_conf: pathlib.Path) -> None:
        super().__init__(site)
        self.api = GlanceApi(site, ceph_conf)
        self.conf = self.api.conf
        self.paste_ini = self.api.paste_ini
        self.services = (self.api,)

    def configure(self) -> None:
        self.site.make_directories(self.name)
        self.api.write_files()

    def sync(self) -> None:
        self.manage('glance-manage', 'db_sync')
        self.manage('glance-manage', 'db_load_metadefs',
                    str(self.site.venv / 'etc' / 'glance' / 'metadefs'))
