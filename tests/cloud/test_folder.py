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

from collections.abc import Callable
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time
from typing import Any
import uuid

import fixtures
import testtools

from allinone.openstack import layout
from tests.cloud import base
from tests.unit import web

MiB = 1024 * 1024


class Pausing(fixtures.Fixture):
    """A server on loopback that does something in the middle of its data.

    :param data: what it has
    :param middle: is called once, in the middle of the second answer: the
        first one is asked for the size alone
    """

    def __init__(self, data: bytes, middle: Callable[[], None]) -> None:
        self._data = data
        self._answers = [lambda: None, middle]

    def _setUp(self) -> None:
        self.url = self.useFixture(web.Server(self._answer)).url + '/a.raw'

    def _answer(self, request: web.Request) -> None:
        request.send_response(200)
        request.send_header('Content-Length', str(len(self._data)))
        request.end_headers()
        middle = self._answers.pop(0) if self._answers else None
        try:
            request.wfile.write(self._data[:MiB])
            if middle is not None:
                middle()
            request.wfile.write(self._data[MiB:])
        except ConnectionError:
            pass  # nobody wants more


class FolderTestCase(testtools.TestCase):

    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.image = base.connect('demo').image
        self.credentials = base.machine().site.credentials('demo', 'demo')
        self.addCleanup(self._clean_up)

    def _clean_up(self) -> None:
        for image in self.image.images():
            if image.name.startswith('folder-'):
                self.image.delete_image(image)

    def upload(
        self, *argv: object, path: pathlib.Path | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Upload a path, or the folder; return exit status and rows by name.

        What was sent and answered is in ``stderr`` then.
        """
        environment = {'OS_' + name.upper(): str(value)
                       for name, value in self.credentials.items()}
        done = subprocess.run(
            [sys.prefix + '/bin/openstack', '--debug',
             '--os-region-name', layout.REGION,
             'image', 'progress', 'upload', '-f', 'json',
             path or self.folder, *argv],
            env={**os.environ, **environment, 'OS_IDENTITY_API_VERSION': '3',
                 'XDG_STATE_HOME': str(self.folder / 'state')},
            capture_output=True, text=True, timeout=base.PATIENCE)
        self.stderr = done.stderr
        self.addDetail('stderr', testtools.content.text_content(done.stderr))
        return done.returncode, {
            row['Name']: row for row in json.loads(done.stdout or '[]')}


class FolderTest(FolderTestCase):

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

    def test_project_by_name(self) -> None:
        (self.folder / 'folder-a.raw').write_bytes(os.urandom(MiB))
        site = base.machine().site
        owner = base.connect('demo').session.get_project_id()
        # Who may not ask Keystone has one name to give, the own one's.
        for user, domain, result in (
                ('admin', 'Default', 'uploaded'), ('admin', None, 'skipped'),
                ('demo', 'Default', 'skipped'), ('demo', None, 'skipped')):
            self.credentials = site.credentials(user, user)
            status, rows = self.upload('--project', 'demo', *(
                ('--project-domain', domain) if domain else ()))
            self.assertEqual(
                (0, result), (status, rows['folder-a']['Result']))
        # Seen by the project that it is of.
        image = self.image.get_image(rows['folder-a']['ID'])
        self.assertEqual((owner, 'active'), (image.owner_id, image.status))

    def test_project_that_one_may_not_give(self) -> None:
        (self.folder / 'folder-a.raw').write_bytes(os.urandom(MiB))
        status, rows = self.upload('--project', 'alt_demo')
        self.assertEqual(
            (1, 'failed'), (status, rows['folder-a']['Result']))
        self.credentials = base.machine().site.credentials('admin', 'admin')
        self.assertEqual((255, {}), self.upload('--project', 'nowhere'))
        self.assertEqual([], [image for image in self.image.images()
                              if image.name.startswith('folder-')])


class TokenTest(FolderTestCase):

    def setUp(self) -> None:
        super().setUp()
        machine = base.machine()
        settings = base.Settings(machine.glance.conf, machine.glance.api)
        self.addCleanup(settings.edit, {})
        # Otherwise Glance goes on to take a token for 5 minutes.
        settings.edit({'keystone_authtoken': {'token_cache_time': '-1'}})
        self.identity = base.connect('admin').identity
        self.user = self.make_user()

    def make_user(self) -> Any:
        """Return a new member of the project `demo`, whom we upload as."""
        name, password = 'folder-' + uuid.uuid4().hex, uuid.uuid4().hex
        self.credentials = {
            **self.credentials, 'username': name, 'password': password}
        user = self.identity.create_user(
            name=name, password=password, domain_id='default')
        self.addCleanup(self.identity.delete_user, user)
        self.identity.assign_project_role_to_user(
            base.connect('demo').session.get_project_id(), user,
            self.identity.find_role('member'))
        return user

    def revoke(self) -> None:
        """Have Keystone take back all tokens of the user."""
        # By id: of one that it knows, the SDK sends what is new alone.
        self.identity.update_user(
            self.user.id, password=self.credentials['password'])
        # Keystone counts whole seconds: a token of this one would be too old.
        time.sleep(1.1)

    def test_token_that_ends_in_the_middle(self) -> None:
        """What Keystone no longer takes, as one that has expired."""
        data = os.urandom(4 * MiB)
        url = self.useFixture(Pausing(data, self.revoke)).url
        images = self.folder / 'images.yaml'
        images.write_text(json.dumps({'images': [
            {'name': name, 'format': 'raw', 'url': url}
            for name in ('folder-a', 'folder-b')]}))
        status, rows = self.upload('--workers', '1', path=images)
        self.assertEqual(0, status)
        self.assertEqual({('uploaded', True)}, {
            (row['Result'], row['Verified']) for row in rows.values()})
        self.assertIn('RESP: [401]', self.stderr)
        for row in rows.values():
            self.assertEqual(
                hashlib.sha512(data).hexdigest(),
                self.image.get_image(row['ID']).hash_value)
