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

"""``openstack image progress upload`` with Keystone, and a server from it."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import fixtures
import testtools

from allinone.openstack import layout
from tests.cloud import base

MiB = 1024 * 1024


class FolderTest(testtools.TestCase):

    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.image = base.connect('demo').image
        self.addCleanup(self._clean_up)

    def _clean_up(self) -> None:
        for image in self.image.images():
            if image.name.startswith('folder-'):
                self.image.delete_image(image)

    def upload(self, *argv: object) -> tuple[int, dict[str, Any]]:
        """Upload as the user `demo`; return exit status and rows by name."""
        environment = {'OS_' + name.upper(): str(value) for name, value in
                       base.machine().site.credentials('demo', 'demo').items()}
        done = subprocess.run(
            [sys.prefix + '/bin/openstack', '--os-region-name', layout.REGION,
             'image', 'progress', 'upload', '-f', 'json', self.folder, *argv],
            env={**os.environ, **environment, 'OS_IDENTITY_API_VERSION': '3',
                 'XDG_STATE_HOME': str(self.folder / 'state')},
            capture_output=True, text=True, timeout=base.PATIENCE)
        self.addDetail('stderr', testtools.content.text_content(done.stderr))
        return done.returncode, {
            row['Name']: row for row in json.loads(done.stdout)}

    def test_folder(self) -> None:
        for name in ('vmlinuz', 'initrd', 'raw'):
            (self.folder / ('folder-a.' + name)).write_bytes(
                os.urandom(2 * MiB))
        (self.folder / 'folder-bad.qcow2').write_bytes(b'bad' * 1000)
        with open(self.folder / 'folder-sparse.raw', 'wb') as file:
            file.truncate(256 * MiB)
        subprocess.run(['qemu-img', 'convert', '-q', '-f', 'raw', '-O',
                        'qcow2', self.folder / 'folder-a.raw',
                        self.folder / 'folder-q.qcow2'], check=True)
        status, rows = self.upload()
        self.assertEqual(1, status)
        self.assertEqual('failed', rows.pop('folder-bad')['Result'])
        self.assertEqual({('uploaded', True, 'active')}, {
            (row['Result'], row['Verified'], row['Status'])
            for row in rows.values()})
        image = self.image.get_image(rows['folder-a']['ID'])
        self.assertEqual(
            (rows['folder-a-vmlinuz']['ID'], rows['folder-a-initrd']['ID']),
            (image.kernel_id, image.ramdisk_id))
        self.assertEqual(base.connect('demo').session.get_project_id(),
                         image.owner_id)
        (self.folder / 'folder-bad.qcow2').unlink()
        status, rows = self.upload()
        self.assertEqual((0, {'skipped'}), (status, {
            row['Result'] for row in rows.values()}))
