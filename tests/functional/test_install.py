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

"""Installing this into a service's environment changes no other package."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import testtools

from tests.functional import services

#: What may come with us where it is not there yet.
OURS = {'glance-progress', 'pymemcache', 'tqdm'}


class InstallTest(testtools.TestCase):

    def would_install(self, venv: pathlib.Path) -> dict[str, str]:
        """Return what pip would install into *venv*, name -> version."""
        done = subprocess.run(
            [venv / 'bin' / 'python3', '-m', 'pip', 'install', '--quiet',
             '--dry-run', '--report', '-', services.wheel()],
            stdout=subprocess.PIPE, check=True, text=True)
        report = json.loads(done.stdout[done.stdout.index('{'):])
        return {each['metadata']['name'].lower(): each['metadata']['version']
                for each in report['install']}

    def installed(self, venv: pathlib.Path) -> dict[str, str]:
        done = subprocess.run(
            [venv / 'bin' / 'python3', '-m', 'pip', 'list', '--format=json'],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
            text=True)
        return {each['name'].lower(): each['version']
                for each in json.loads(done.stdout)}

    def test_oldest_glance(self) -> None:
        venv = services.directory() / 'zed-venv'
        subprocess.run(['/usr/bin/python3', '-m', 'venv',
                        '--system-site-packages', venv], check=True)
        before = self.installed(venv)
        self.assertTrue(before['glance'].startswith('25.'))
        subprocess.run(
            [venv / 'bin' / 'pip', 'install', '--quiet', services.wheel()],
            check=True)
        after = self.installed(venv)
        self.assertEqual(before, {
            name: version for name, version in after.items()
            if name in before})
        self.assertLessEqual(set(after) - set(before), OURS)

    def test_newest_glance(self) -> None:
        venv = pathlib.Path(sys.prefix)
        self.assertTrue(self.installed(venv)['glance'].startswith('33.'))
        self.assertLessEqual(set(self.would_install(venv)), OURS)
