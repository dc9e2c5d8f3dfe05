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

"""What tools that are on no package index have made of our recipes, once."""

from __future__ import annotations

import hashlib
import pathlib
import sys
from typing import Any

from allinone.daemons import glance
from allinone.daemons import glance_database
from allinone import ini
from tests.functional import services

DATA = services.PROJECT / 'tests' / 'deploy' / 'data'


def options(path: pathlib.Path) -> dict[str, dict[str, str]]:
    """Return what a file of configuration says, by section and option."""
    parser = ini.parser()
    parser.read_string(path.read_text())
    return {section: dict(parser.items(section))
            for section in parser.sections()}


def stale(tool: str) -> list[str]:
    """Return the files of the recipe that were others when it was rendered."""
    lines = (DATA / tool / 'SHA256SUMS').read_text().splitlines()
    return [name for digest, name in map(str.split, lines)
            if digest != hashlib.sha256(
                (services.PROJECT / name).read_bytes()).hexdigest()]


class GlanceApi(glance.GlanceApi):
    """Runs on the glance-api.conf and the paste file of a tool.

    What is replaced says where things are: ports, files and services, and the
    flavor, since there is no Keystone.
    """

    def __init__(self, tool: str) -> None:
        super().__init__(
            services.directory() / f'glance-{tool}', sys.prefix,
            stores={'none': {'type': 'http'}},  # they are in the file
            database=glance_database.InMariaDb(
                services.mariadb(), 'glance_' + tool.replace('-', '_')))
        self.rendered = DATA / tool
        self.packaged_paste_ini = self.rendered / 'glance-api-paste.ini'

    def write_files(self) -> None:
        super().write_files()
        self.conf.write_text(ini.conf(
            options(self.rendered / 'glance-api.conf'), self.own_options(),
            {'DEFAULT': {
                'image_cache_dir': self.directory / 'cache',
                'log_config_append': '', 'use_journal': False},
             'keystone_authtoken': {
                'memcached_servers': services.memcached().address},
             'oslo_messaging_notifications': {'driver': 'noop'},
             'oslo_policy': {
                'policy_file': self.etc / 'policy.yaml',
                'policy_dirs': self.etc / 'policy.d'},
             'rbd': {
                'rbd_store_ceph_conf': services.ceph().client_conf,
                'rbd_store_pool': services.POOL, 'rbd_store_chunk_size': 1},
             'file': {'filesystem_store_datadir': self.directory / 'file'}}))


class HelmGlanceApi(GlanceApi):
    """Runs as the chart's container does."""

    def write_files(self) -> None:
        super().write_files()
        self.uwsgi_ini.write_text(ini.conf(
            options(self.rendered / self.uwsgi_ini.name),
            {'uwsgi': {'http-socket': f'127.0.0.1:{self.port}',
                       'stats': self.directory / 'stats',
                       'processes': 2}}))

    @property
    def uwsgi_ini(self) -> pathlib.Path:
        return self.etc / 'glance-api-uwsgi.ini'

    def command(self) -> list[str]:
        return [str(self.venv / 'bin' / 'uwsgi'), '--ini',
                str(self.uwsgi_ini)]


class RhosoGlanceApi(glance.EventletGlanceApi):
    """Reads a directory of files, as it does in the operator's pods.

    :param recipe: an OpenStackControlPlane
    """

    def __init__(self, recipe: dict[str, Any]) -> None:
        super().__init__(
            services.directory() / 'glance-rhoso',
            services.released_venv('2025.2'), workers=1,
            stores={'ceph': {'type': 'rbd', 'pool': services.POOL,
                             'rbd_store_chunk_size': 1}},
            ceph_client_conf=services.ceph().client_conf,
            database=glance_database.InMariaDb(
                services.mariadb(), 'glance_rhoso'),
            options={'keystone_authtoken': {
                'memcached_servers': services.memcached().address}},
            router='glance_progress.api:API.factory')
        spec = recipe['spec']
        volume, = spec['extraMounts'][0]['extraVol']
        self.mount_path = volume['mounts'][0]['mountPath']
        self.custom = spec['glance']['template']['customServiceConfig']
        self.config_dir = self.etc / 'glance.conf.d'

    def write_files(self) -> None:
        super().write_files()
        self.config_dir.mkdir(exist_ok=True)
        # The operator says nothing of the paste file.
        (self.config_dir / '00-config.conf').write_text(''.join(
            line for line in self.conf.read_text().splitlines(keepends=True)
            if not line.startswith('config_file =')))
        # Here the paste file is beside, there it is mounted.
        (self.config_dir / '02-config.conf').write_text(
            self.custom.replace(self.mount_path, str(self.etc)))

    def command(self) -> list[str]:
        return [str(self.venv / 'bin' / 'python3'), str(self.script),
                '--config-dir', str(self.config_dir)]
