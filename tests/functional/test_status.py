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

"""glance-progress-status, with the files of a service that never runs."""

from __future__ import annotations

import atexit
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import Any

from allinone.daemons import glance
from tests.functional import location_base
from tests.functional import services

NOBODY = 65534

FOR_SERVICES = location_base.FOR_SERVICES

NOVA = """
[DEFAULT]
transport_url = rabbit://nova:hunter2@127.0.0.1
[service_user]
send_service_user_token = true
auth_type = password
auth_url = http://127.0.0.1:1/
username = nova
password = hunter2
[libvirt]
images_type = rbd
"""


class StatusTest(location_base.TestCase):

    def setUp(self) -> None:
        super().setUp()
        # Not in that of the run, which others may not enter.
        self.directory = pathlib.Path(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, self.directory, ignore_errors=True)
        self.directory.chmod(0o755)
        self.python = sys.executable

    def run_status(
        self, api: glance.GlanceBase, *args: str, **kwargs: Any
    ) -> int:
        api.write_files()
        done = subprocess.run(
            [self.python, '-m', 'glance_progress.cmd.status',
             '--config-file', str(api.conf), 'check', '--offline', *args],
            capture_output=True, text=True, cwd='/', **kwargs)
        self.out, self.err = done.stdout, done.stderr
        self.assertNotIn('hunter2', self.out + self.err)
        return done.returncode

    def file(self, name: str, text: str, mode: int = 0o644) -> pathlib.Path:
        path = self.directory / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def test_results(self) -> None:
        new = {'location_consumers': 'new-api'}
        nova = ('--nova-conf', str(self.file('nova.conf', NOVA)),
                '--nova-release', '2026.2')
        for section in {}, new:  # nova.conf says what there is to know
            self.assertEqual(
                0, self.run_status(self.make(section=section), *nova))
        self.assertEqual(1, self.run_status(self.make()))
        self.assertIn('location_consumers = new-api', self.out)
        self.assertEqual(2, self.run_status(
            self.make(), *nova[:-1], '2025.1'))
        self.assertIn('Nova 31 registering locations by the old call',
                      ' '.join(self.out.replace('|', ' ').split()))
        self.assertEqual(
            1, self.run_status(self.make(section=new, multiple=True), *nova,
                               '--json'))
        self.assertEqual(
            ['multiple-locations-needless', 'location-policies-open'],
            [finding['code']
             for finding in json.loads(self.out)['findings']])

    def test_policies(self) -> None:
        for policies, code, named in (
            (FOR_SERVICES, 0, ''),
            ({**FOR_SERVICES, 'set_image_location': ''}, 1,
             'pass set_image_location.'),
            ({**FOR_SERVICES, 'set_image_location': 'role:uploader'}, 0, ''),
            ({**FOR_SERVICES, 'o': 'tenant:%(owner)s',
              'delete_image_location': 'rule:o'}, 1,
             'pass delete_image_location.'),
            ({**FOR_SERVICES, 'opa': 'http://127.0.0.1:1/%(owner)s',
              'get_image_location': 'rule:opa'}, 1,
             'decides on get_image_location'),
        ):
            api = self.make(multiple=True, policies=policies)
            self.assertEqual(code, self.run_status(api), policies)
            self.assertIn(named, ' '.join(
                self.out.replace('|', ' ').split()))

    def test_policies_that_cannot_be_read(self) -> None:
        api = self.make(multiple=True, policies={'a': 'b'})
        for text in ('[1, 2', '"set_image_location": [[['):
            (self.directory / 'policies.yaml').write_text(text)
            self.assertEqual(255, self.run_status(api), self.out)
        (self.directory / 'policies.yaml').unlink()
        self.assertEqual(255, self.run_status(api))
        self.assertIn('policies.yaml', self.err)

    def test_without_glance(self) -> None:
        self.file('glance.py', 'raise ImportError("none here")\n')
        self.assertEqual(255, self.run_status(
            self.make(), env={**os.environ,
                              'PYTHONPATH': str(self.directory)}))
        self.assertIn('glance cannot be imported', self.err)

    def test_as_an_ordinary_user(self) -> None:
        if os.geteuid():
            self.skipTest('needs root, to become somebody else')
        # Others may not enter root's home, where the other one may be.
        services.make_debian_venv(self.directory / 'venv')
        self.python = str(self.directory / 'venv' / 'bin' / 'python3')
        nobody: dict[str, Any] = {
            'user': NOBODY, 'group': NOBODY, 'extra_groups': [],
            'env': {**os.environ, 'HOME': '/', 'PYTHONDONTWRITEBYTECODE': '1'}}
        api = self.make(multiple=True, policies=FOR_SERVICES)
        self.assertEqual(0, self.run_status(api, **nobody), self.err)
        secret = self.file('nova.conf', NOVA, 0o600)
        self.assertEqual(255, self.run_status(
            api, '--nova-conf', str(secret), **nobody))
        self.assertIn(str(secret), self.err)
        (self.directory / 'policies.yaml').chmod(0o600)
        self.assertEqual(255, self.run_status(api, **nobody))
        self.assertIn('policies.yaml', self.err)
