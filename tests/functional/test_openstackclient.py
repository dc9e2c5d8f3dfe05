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

"""``openstack image progress`` against a real glance-api."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys

from allinone.daemons import glance
from glance_progress.driver import failure
from tests.functional import api_base
from tests.functional import base
from tests.functional import door
from tests.functional import glance_base
from tests.functional import services

MiB = base.MiB


def program() -> pathlib.Path:
    """Return OpenStackClient, which may be in an environment of its own."""
    return pathlib.Path(
        os.environ.get('GLANCE_PROGRESS_OPENSTACK')
        or pathlib.Path(sys.executable).with_name('openstack'))


class OpenStackClientTest(api_base.ApiTestCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make('glance-openstackclient')

    def setUp(self) -> None:
        super().setUp()
        self.door = self.useFixture(door.Door(self.api.port, api_base.OWNER))

    def start(self, *argv: str) -> subprocess.Popen[str]:
        # What the machine's user has configured is not for this test.
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith('OS_')}
        process = subprocess.Popen(
            [program(), '--os-auth-type', 'none', '--os-endpoint',
             self.door.url, 'image', 'progress', *argv],
            cwd=services.directory(), env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def openstack(self, *argv: str) -> tuple[int, str, str]:
        process = self.start(*argv)
        stdout, stderr = process.communicate(timeout=60)
        return process.returncode, stdout, stderr

    def json(self, *argv: str) -> object:
        status, stdout, stderr = self.openstack(*argv, '-f', 'json')
        self.assertEqual((0, ''), (status, stderr))
        return json.loads(stdout)

    def test_show(self) -> None:
        image_id = self.create(name='cirros')
        upload = self.upload(image_id, 4 * MiB)
        upload.send(bytes(2 * MiB))
        self.wait_store(image_id, bytes_written=2 * MiB)
        shown = self.json('show', 'cirros')
        self.assertEqual(
            (image_id, 'cirros', 'demo', 'saving', 'upload', 50.0),
            tuple(shown[field] for field in (
                'image_id', 'name', 'owner', 'status', 'phase', 'percent')))
        self.assertEqual(['ceph'], [each['store']
                                    for each in shown['stores']])
        status, table, _ = self.openstack('show', image_id)
        self.assertEqual(0, status)
        self.assertIn('2.00MiB/4.00MiB', table)
        upload.send(bytes(2 * MiB))
        self.assertEqual(204, upload.end())

    def test_watch(self) -> None:
        image_id = self.create()
        watch = self.start('watch', image_id, '--interval', '0.1')
        self.wait_line(watch, '^queued, waiting for data since .* UTC$')
        upload = self.upload(image_id, 4 * MiB)
        upload.send(bytes(2 * MiB))
        self.wait_line(watch, r'^queued at least 00:\d\d -> saving$')
        self.wait_line(watch, r'^ceph  50\.0%  2\.00MiB/4\.00MiB.*uploading$')
        upload.send(bytes(2 * MiB))
        self.assertEqual(204, upload.end())
        stdout, _ = watch.communicate(timeout=60)
        self.assertEqual(0, watch.returncode)
        self.assertRegex(stdout, r'(?m)-> saving 00:\d\d -> active$')
        self.assertRegex(stdout, r'(?m)^ceph  100\.0%.*finished$')

    def test_watch_an_import_into_several_stores(self) -> None:
        self.slow_ceph()
        image_id = self.create()
        watch = self.start('watch', image_id, '--interval', '0.1')
        self.wait_line(watch, '^queued, waiting for data since .* UTC$')
        self.client.images.stage(image_id, base.Body(bytes(8 * MiB)))
        self.wait_line(
            watch, '-> uploading, waiting for the import call since ')
        self.client.images.image_import(
            image_id, 'glance-direct', stores=['ceph', 'second'])
        stdout, _ = watch.communicate(timeout=60)
        self.assertEqual(0, watch.returncode)
        # Between the first store and the second it may be seen as active.
        self.assertRegex(
            stdout, r'(?m)-> uploading [\d:]+ -> importing [\d:]+'
                    r'( -> active \(copying\) [\d:]+)? -> active$')
        for store in ('ceph', 'second'):
            self.assertRegex(stdout, r'(?m)^%s  100\.0%%.*finished$' % store)

    def test_watch_a_failure(self) -> None:
        image_id = self.create()
        upload = self.upload(image_id, 4 * MiB)
        upload.send(bytes(2 * MiB))
        self.wait_store(image_id, bytes_written=2 * MiB)
        watch = self.start('watch', image_id, '--interval', '0.1')
        self.wait_line(watch, r'^ceph  50\.0%')
        upload.abandon()
        stdout, _ = watch.communicate(timeout=60)
        self.assertEqual(1, watch.returncode)
        self.assertRegex(stdout, r'saving at least \d\d:\d\d -> queued')
        self.assertIn(failure.SOURCE, stdout)

    def test_failure_of_a_deleted_image(self) -> None:
        image_id = self.create(name='snapshot')
        upload = self.upload(image_id, 4 * MiB)
        upload.send(bytes(2 * MiB))
        self.wait_store(image_id, bytes_written=2 * MiB)
        upload.abandon()
        request_id = self.wait_progress(image_id, phase='failed')[
            'last_failure']['request_id']
        self.client.images.delete(image_id)
        self.assertEqual('deleted', self.json('show', image_id)['status'])
        row, = (each for each in self.json('list', '--failed')
                if each['ID'] == image_id)
        self.assertEqual(
            ('snapshot', 'deleted', 'ceph', request_id, failure.SOURCE),
            tuple(row[name] for name in (
                'Name', 'Status', 'Store', 'Request ID', 'Failure')))
        status, _, stderr = self.openstack('watch', image_id)
        self.assertEqual(1, status)
        self.assertIn('has been deleted', stderr)
        self.assertIn(failure.SOURCE, stderr)

    def upload_some(self) -> set[str]:
        """Begin uploads that go on while nothing takes a minute."""
        ids = set()
        for _ in range(2):
            image_id = self.create()
            ids.add(image_id)
            upload = self.upload(image_id, 4 * MiB)
            upload.send(bytes(2 * MiB))
        for image_id in ids:
            self.wait_store(image_id, bytes_written=2 * MiB)
        return ids

    def test_list(self) -> None:
        ids = self.upload_some()
        listed = self.json('list')
        self.assertLessEqual(ids, {each['ID'] for each in listed})

    def test_list_of_others(self) -> None:
        ids = self.upload_some()
        self.door.headers = api_base.a_project()
        self.assertEqual([], self.json('list', '--all'))
        self.door.headers = api_base.ADMIN
        self.assertLessEqual({(image_id, 'demo') for image_id in ids}, {
            (each['ID'], each['Project'])
            for each in self.json('list', '--all')})

    def test_image_of_others(self) -> None:
        image_id = self.create(name='theirs')
        self.door.headers = api_base.a_project()
        for command, status in (('show', 1), ('watch', 255)):
            done = self.openstack(command, image_id)
            self.assertEqual((status, ''), done[:2])
            self.assertIn(image_id, done[2])

    def test_glance_without_the_extension(self) -> None:
        with glance_base.make('glance-without-progress') as api:
            self.door.port = api.port
            image_id = api.client(api_base.OWNER).images.create(
                disk_format='raw', container_format='bare').id
            for argv, status in ((('show', image_id), 1), (('list',), 1),
                                 (('watch', image_id), 255)):
                done = self.openstack(*argv)
                self.assertEqual((status, ''), done[:2])
                self.assertIn('no progress extension', done[2])

    def test_list_watch(self) -> None:
        watch = self.start('list', '--watch')
        image_id = self.create(name='on its way')
        upload = self.upload(image_id, 4 * MiB)
        upload.send(bytes(2 * MiB))
        self.wait_line(watch, r'%s  on its way   50\.0%%  saving  ceph '
                              r'2\.00MiB/4\.00MiB' % image_id)
        upload.send(bytes(2 * MiB))
        self.assertEqual(204, upload.end())
        self.wait_line(watch, r'%s  on its way  100\.0%%  active' % image_id)
        watch.send_signal(signal.SIGINT)
        _, stderr = watch.communicate(timeout=60)
        self.assertEqual((130, ''), (watch.returncode, stderr))
