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

"""What kolla and kolla-ansible make of our recipe for them.

Their commands run as released; no container is built or started. Where the
rendered files have to name the services of this run, it is by the overrides
that operators have for it; only the paste file gets a flavor that needs no
Keystone.
"""

from __future__ import annotations

import json
import pathlib
import re
from typing import Any

import testtools
import yaml

from allinone import command
from allinone.daemons import glance
from allinone.daemons import glance_config
from allinone.daemons import glance_database
from tests.deploy import kolla
from tests.functional import api_base
from tests.functional import base
from tests.functional import services

MiB = base.MiB

INVENTORY = 'share/kolla-ansible/ansible/inventory/all-in-one'


class GenerateTest(testtools.TestCase):

    def test_dockerfiles(self) -> None:
        for service, user in (('glance', 'USER glance'), ('nova', None)):
            path = kolla.dockerfiles() / service / f'{service}-api'
            line, = kolla.instructions(path / 'Dockerfile')
            self.assertIn('/additions/*', line)
            lines = (path / 'Dockerfile').read_text().split('\n')
            added = lines.index('ADD additions-archive /')
            self.assertLess(lines.index('    RUN kolla_patch'), added)
            if user:
                self.assertLess(added, lines.index(user))
            patch, = (path / 'patches' / 'series').read_text().split()
            self.assertTrue((path / 'patches' / patch).exists())

    def test_layers_do_the_same(self) -> None:
        """What is laid over an image installs and patches the same."""
        for service in ('glance', 'nova'):
            name = f'{service}-api'
            generated, = kolla.instructions(
                kolla.dockerfiles() / service / name / 'Dockerfile')
            install, patch = kolla.instructions(
                kolla.RECIPE / f'Dockerfile.{name}')
            self.assertEqual(
                generated.replace('/*', '/glance-progress'), install)
            named = re.search('--input=/additions/glance-progress/(.*)', patch)
            self.assertTrue((services.PROJECT / named[1]).exists())


class KollaGlanceApi(glance.GlanceBase):
    """Runs glance-api as the container of kolla-ansible does."""

    def __init__(self, directory: pathlib.Path, **kwargs: Any) -> None:
        super().__init__(directory, kolla.VENV, stores={}, **kwargs)
        self.config = self.directory / 'config'  # /etc/kolla
        self.conf = self.directory / 'node' / 'glance-api' / 'glance-api.conf'
        self.image: kolla.Image | None = None

    def write_files(self) -> None:
        self.write_config()
        kolla.run('kolla-ansible', 'genconfig', '--inventory',
                  kolla.venv() / INVENTORY, '--configdir', self.config,
                  '--passwords', self.config / 'passwords.yml',
                  '--tags', 'glance')
        self.image = kolla.Image('glance-image', self.conf.parent)
        dockerfile = kolla.dockerfiles() / 'glance' / 'glance-api'
        self.image.patch(dockerfile / 'patches')
        self.image.shell(*kolla.instructions(dockerfile / 'Dockerfile'))
        paste = self.image.upper / 'etc' / 'glance' / 'glance-api-paste.ini'
        paste.write_text(glance_config.paste_ini(paste, None))
        self.image.script('set_configs.py')

    def write_config(self) -> None:
        """Write what an operator has in /etc/kolla, with the recipe's."""
        host = self.config / 'config' / 'glance' / 'localhost'
        host.mkdir(parents=True, exist_ok=True)
        (self.config / 'passwords.yml').write_text((
            kolla.venv() / 'share/kolla-ansible/etc_examples/kolla'
            / 'passwords.yml').read_text())
        kolla.run('kolla-genpwd', '--passwords',
                  self.config / 'passwords.yml')
        recipe = yaml.safe_load((kolla.RECIPE / 'globals.yml').read_text())
        (self.config / 'globals.yml').write_text(json.dumps({
            **recipe,
            # What any cloud says.
            'kolla_base_distro': 'debian', 'network_interface': 'lo',
            'kolla_internal_vip_address': '127.0.0.1',
            'enable_haproxy': False, 'glance_backend_ceph': True,
            # This machine is no host of a cloud.
            'node_config_directory': str(self.directory / 'node'),
            'config_owner_user': 'root', 'config_owner_group': 'root',
            'ansible_become': False,
            'ansible_python_interpreter': str(kolla.venv() / 'bin/python3'),
            'glance_api_workers': 2,
            # Where the services of this run are.
            'glance_api_port': str(self.port),
            'memcached_port': str(services.memcached().port)}))
        (host / 'glance-api.conf').write_text(
            '[database]\nconnection = %s\n[paste_deploy]\nflavor = %s\n'
            '[rbd]\nrbd_store_chunk_size = 1\n' % (
                self.database.connection, glance_config.FLAVOR))
        ceph = services.ceph()
        (host.parent / 'ceph.conf').write_text(re.sub(
            r'(?m)^keyring = .*', 'keyring = /etc/ceph/ceph.$name.keyring',
            ceph.client_conf.read_text()))
        (host.parent / 'ceph.client.glance.keyring').write_text(
            ceph.keyring('glance').read_text())

    def command(self) -> list[str]:
        line = json.loads(
            (self.conf.parent / 'config.json').read_text())['command']
        return self.image.command('env', kolla.PATH, *line.split())

    def python(self, code: str, *args: str) -> str:
        return command.run(self.name, self.image.command(
            f'{kolla.VENV}/bin/python3', '-c', code, *args),
            cwd=self.directory)


class GlanceTest(api_base.ApiTestCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        services.ceph()
        return KollaGlanceApi(
            services.directory() / 'glance-kolla',
            database=glance_database.InMariaDb(
                services.mariadb(), 'glance_kolla'))

    def test_progress(self) -> None:
        image_id = self.create()
        upload = self.upload(image_id, 4 * MiB)
        upload.send(bytes(2 * MiB))
        record = self.wait_shown(image_id, bytes_written=2 * MiB)
        self.assertEqual(('rbd', 50), (record['store'], record['percent']))
        self.assertEqual(
            50, self.wait_store(image_id, 'rbd', bytes_written=2 * MiB)[
                'percent'])
        upload.send(bytes(2 * MiB))
        self.assertEqual(204, upload.end())

    def test_files_say_nothing_of_us(self) -> None:
        """The paste file in the image does, and nothing else need."""
        for path in self.api.conf.parent.rglob('*'):
            if path.is_file():
                self.assertNotIn('progress', path.read_text(), path)
