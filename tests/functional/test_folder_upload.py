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

"""``openstack image progress upload`` against a real glance-api."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
from typing import Any

import fixtures
import rbd
import yaml

from allinone.daemons import glance
from glance_progress.upload import marks
from tests.functional import api_base
from tests.functional import base
from tests.functional import door
from tests.functional import services

MiB = base.MiB
GiB = 1024 * MiB


def program() -> pathlib.Path:
    """Return OpenStackClient, which may be in an environment of its own."""
    return pathlib.Path(
        os.environ.get('GLANCE_PROGRESS_OPENSTACK')
        or pathlib.Path(sys.executable).with_name('openstack'))


class UploadTestCase(api_base.ApiTestCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make('glance-' + cls.__name__)

    def setUp(self) -> None:
        super().setUp()
        # A project of its own has no image yet.
        self.owner = api_base.a_project()
        self.door = self.useFixture(door.Door(self.api.port, self.owner))
        self.glance = self.api.client(self.owner)
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.state = self.useFixture(fixtures.TempDir()).path

    def write(self, name: str, content: bytes) -> pathlib.Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def qcow2(self, name: str, size: int = 2 * MiB) -> pathlib.Path:
        """Make a qcow2 file with so many bytes of data."""
        raw = self.write(name + '.content', base.data(size))
        path = self.folder / name
        subprocess.run(['qemu-img', 'convert', '-q', '-f', 'raw', '-O',
                        'qcow2', raw, path], check=True)
        raw.unlink()
        return path

    def sparse(self, name: str, size: int) -> pathlib.Path:
        """Make a raw file with data at both ends, and a hole between."""
        path = self.write(name, base.data(8 * MiB))
        with open(path, 'r+b') as file:
            file.truncate(size - 8 * MiB)
            file.seek(0, os.SEEK_END)
            file.write(base.data(8 * MiB, 1))
        return path

    def start(self, *argv: object) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith('OS_')}
        process = subprocess.Popen(
            [program(), '--os-auth-type', 'none', '--os-endpoint',
             self.door.url, 'image', 'progress', 'upload', *map(str, argv)],
            cwd=services.directory(), text=True,
            env={**environment, 'XDG_STATE_HOME': self.state},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def upload(
        self, *argv: object, expected: int = 0
    ) -> dict[str, dict[str, Any]]:
        """Upload, and return the rows by their names."""
        process = self.start(*argv, '-f', 'json')
        stdout, self.stderr = process.communicate(timeout=120)
        self.assertEqual(
            expected, process.returncode, stdout + self.stderr)
        return {row['Name']: row for row in json.loads(stdout)}

    def images(self) -> dict[str, Any]:
        """Return the images of the project by their names."""
        return {image.name: image for image in self.glance.images.list(
            filters={'owner': self.owner['X-Project-Id']})}

    def assert_same(self, path: pathlib.Path, image: Any) -> None:
        """Assert that Glance has the data of a file, and no mark of ours."""
        digest = hashlib.sha512(path.read_bytes()).hexdigest()
        self.assertEqual(
            ('active', 'sha512', digest, False),
            (image.status, image.os_hash_algo, image.os_hash_value,
             marks.RUN in image))


class FolderTest(UploadTestCase):

    def make_folder(self) -> None:
        self.kernel = self.write(
            'full.vmlinuz', base.data(MiB)[:510] + b'\x55\xaa' + bytes(MiB))
        self.ramdisk = self.write('full.initrd', base.data(MiB, 2))
        self.full = self.qcow2('full.qcow2')
        self.raw = self.sparse('sparse.raw', GiB)
        self.copy = self.write('copy.qcow2', self.full.read_bytes())
        self.write('README.md', b'of no interest')

    def test_folder(self) -> None:
        self.make_folder()
        rows = self.upload(self.folder)
        self.assertEqual(
            {'full-vmlinuz', 'full-initrd', 'full', 'sparse', 'copy'},
            set(rows))
        for row in rows.values():
            self.assertEqual(
                ('uploaded', 'active', True, 'sha512'),
                tuple(row[name] for name in (
                    'Result', 'Status', 'Verified', 'By')))
        self.assertIn('README.md', self.stderr)
        self.assertRegex(self.stderr, r'(?m)^all: +100\.0%')
        self.assertRegex(self.stderr, r'(?m)^sparse: +\d+\.\d%, saving')
        images = self.images()
        self.assert_same(self.full, images['full'])
        self.assert_same(self.copy, images['copy'])
        self.assert_same(self.kernel, images['full-vmlinuz'])
        self.assertEqual(
            ('qcow2', images['full-vmlinuz'].id, images['full-initrd'].id),
            (images['full'].disk_format, images['full'].kernel_id,
             images['full'].ramdisk_id))
        self.assertEqual(
            ('aki', 'aki'), (images['full-vmlinuz'].disk_format,
                             images['full-vmlinuz'].container_format))
        self.assertEqual(GiB - 16 * MiB, rows['sparse']['Zeros'])

        again = self.upload(self.folder)
        self.assertEqual({('skipped', True)}, {
            (row['Result'], row['Verified']) for row in again.values()})
        self.assertEqual(5, len(self.images()))

    def kill_in_the_middle(self, sig: int) -> subprocess.Popen[str]:
        """Kill a run whose first image is complete, and second is not."""
        self.write('small.raw', b'small' * 1000)
        self.write('large.raw', base.data(64 * MiB))
        self.slow_ceph()
        process = self.start(self.folder)
        self.wait_for(lambda: 'small' in self.images()
                      and self.images()['small'].status == 'active'
                      and marks.RUN not in self.images()['small'])
        self.wait_for(lambda: 'large' in self.images()
                      and self.images()['large'].status == 'saving')
        process.send_signal(sig)
        return process

    def test_killed_and_run_again(self) -> None:
        self.kill_in_the_middle(signal.SIGKILL).wait(10)
        broken = self.images()['large']
        self.wait_for(
            lambda: self.images()['large'].status == 'queued')
        rows = self.upload(self.folder)
        self.assertEqual(
            ('skipped', 'uploaded'),
            (rows['small']['Result'], rows['large']['Result']))
        self.assertNotEqual(broken.id, rows['large']['ID'])
        self.assertIn(broken.id, self.stderr)
        self.assertEqual(2, len(self.images()))
        self.assert_same(self.folder / 'large.raw', self.images()['large'])
        self.assertEqual([], list(pathlib.Path(self.state).rglob('*/*/?*')))

    def test_interrupted(self) -> None:
        process = self.kill_in_the_middle(signal.SIGINT)
        _, stderr = process.communicate(timeout=15)
        self.assertEqual(130, process.returncode, stderr)
        self.assertNotIn('Traceback', stderr)
        self.assertEqual({'small'}, set(self.images()))
        self.assertEqual([], list(pathlib.Path(self.state).rglob('*/*/?*')))

    def test_no_harm_to_a_run_that_lives(self) -> None:
        self.write('large.raw', base.data(24 * MiB))
        self.slow_ceph()
        first = self.start(self.folder)
        self.wait_for(lambda: 'large' in self.images()
                      and self.images()['large'].status == 'saving')
        # Another may take longer to start than a slow upload to end.
        with self.ceph_stopped():
            rows = self.upload(self.folder, expected=1)
        self.assertEqual('refused', rows['large']['Result'])
        self.assertIn(self.images()['large'].id, rows['large']['Reason'])
        first.communicate(timeout=60)
        self.assertEqual(0, first.returncode)
        self.assert_same(self.folder / 'large.raw', self.images()['large'])

    def test_wrong_file_among_right_ones(self) -> None:
        self.write('good.raw', b'good' * 1000)
        self.write('bad.qcow2', b'bad' * 1000)
        self.write('empty.raw', b'')
        self.qcow2('fine.qcow2')
        rows = self.upload(self.folder, self.folder / 'none.raw', expected=1)
        self.assertEqual(
            {'good': 'uploaded', 'fine': 'uploaded', 'bad': 'failed',
             'empty': 'failed', 'none': 'failed'},
            {name: row['Result'] for name, row in rows.items()})
        self.assertIn('is raw, not qcow2', rows['bad']['Reason'])
        self.assertEqual({'good', 'fine'}, set(self.images()))

    def test_other_data_of_the_same_name(self) -> None:
        path = self.write('image.raw', b'old' * 1000)
        old = self.upload(path)['image']['ID']
        path.write_bytes(b'new' * 1000)
        self.assertEqual(
            'refused', self.upload(path, expected=1)['image']['Result'])
        rows = self.upload(path, '--dry-run', '--update-existing')
        self.assertEqual('upload', rows['image']['Action'])
        self.assertEqual({'image'}, set(self.images()))
        rows = self.upload(path, '--update-existing')
        self.assertEqual('uploaded', rows['image']['Result'])
        self.assert_same(path, self.images()['image'])
        renamed = self.glance.images.get(old)
        self.assertRegex(renamed.name, r'^image_\d{8}T\d{6}Z$')
        self.assertEqual('active', renamed.status)

    def test_list_of_fifty(self) -> None:
        images = []
        for number in range(50):
            self.write('%d.bin' % number, b'%d' % number * 1000)
            images.append({'name': 'image %d' % number,
                           'file': '%d.bin' % number, 'tags': ['test'],
                           'min_disk': 1, 'meta': {'number': number}})
        path = self.write('images.yaml', yaml.safe_dump(
            {'images': images}).encode())
        rows = self.upload(path, '--property', 'colour=red')
        self.assertEqual(50, len(rows))
        image = self.images()['image 7']
        self.assertEqual(
            ('7', 'red', ['test'], 1, 'raw'),
            (image.number, image.colour, image.tags, image.min_disk,
             image.disk_format))
        before = len(self.door.requests)
        self.upload(path)
        self.assertEqual({'GET'}, {
            method for method, _ in self.door.requests[before:]})


class FaultTest(UploadTestCase):

    def fail_once(self, what: int | str, method: str, end: str) -> None:
        """Have the first such request end in a fault."""
        faults = [what]

        def fault(asked: str, path: str) -> int | str | None:
            if asked == method and path.endswith(end) and faults:
                return faults.pop()
            return None

        self.door.fault = fault

    def test_faults_on_the_way(self) -> None:
        for number, (what, method, end) in enumerate((
                (503, 'POST', '/v2/images'), (door.CUT, 'POST', '/v2/images'),
                (502, 'PUT', '/file'), (door.CUT, 'PUT', '/file'),
                (door.CUT_IN_THE_MIDDLE, 'PUT', '/file'))):
            path = self.write('image%d.raw' % number, base.data(3 * MiB))
            self.fail_once(what, method, end)
            rows = self.upload(path)
            self.assertEqual('uploaded', rows[path.stem]['Result'])
            self.assert_same(path, self.images()[path.stem])

    def test_refused(self) -> None:
        self.door.fault = lambda method, path: (
            413 if path.endswith('/file') else None)
        rows = self.upload(self.write('image.raw', b'abc'), expected=1)
        self.assertEqual(('failed', 'deleted'), (
            rows['image']['Result'], rows['image']['Status']))
        self.assertEqual({}, self.images())

    def test_without_our_extension(self) -> None:
        self.door.fault = lambda method, path: (
            404 if 'progress' in path else None)
        self.write('image.raw', base.data(3 * MiB))
        self.upload(self.folder)
        self.assertIn('image', self.images())


class ImportTest(UploadTestCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        # What web-download fetches has to be allowed.
        return api_base.make('glance-' + cls.__name__, options={
            **cls.filtering(),
            'image_conversion': {'output_format': 'raw'},
            'image_import_opts': {
                'image_import_plugins': '[image_conversion]'}})

    def test_import_to_stores(self) -> None:
        path = self.write('image.raw', base.data(3 * MiB))
        rows = self.upload(path, '--import', '--store', 'ceph', '--store',
                           'second', '--protected')
        self.assertEqual(('uploaded', True), (
            rows['image']['Result'], rows['image']['Verified']))
        image = self.images()['image']
        self.assert_same(path, image)
        self.assertEqual({'ceph', 'second'}, set(image.stores.split(',')))
        self.assertTrue(image.protected)
        self.glance.images.update(image.id, protected=False)

    def test_converted_by_the_cloud(self) -> None:
        path = self.qcow2('image.qcow2')
        for result in ('uploaded', 'skipped'):
            row = self.upload(path, '--import', expected=3)['image']
            self.assertEqual((result, None), (row['Result'], row['Verified']))
        self.assertEqual('raw', self.images()['image'].disk_format)

    def serve(self, name: str, content: bytes) -> str:
        """Have a server on loopback answer with *content*; return its URL."""
        self.write(name, content)
        handler = functools.partial(
            http.server.SimpleHTTPRequestHandler, directory=str(self.folder))
        server = http.server.ThreadingHTTPServer(
            ('127.0.0.1', self.download_port), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,),
                         daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return 'http://127.0.0.1:%d/%s' % (self.download_port, name)

    def test_list_with_urls(self) -> None:
        content = base.data(3 * MiB)
        checksum = 'sha256:' + hashlib.sha256(content).hexdigest()
        url = self.serve('image.raw', content)
        path = self.write('images.yaml', yaml.safe_dump({'images': [{
            'name': 'Image', 'format': 'raw', 'login': 'me', 'multi': True,
            'meta': {'os_distro': 'ubuntu'}, 'tags': [], 'versions': [{
                'version': '1', 'url': url, 'checksum': checksum}]}]}
        ).encode())
        row = self.upload(path)['Image']
        self.assertEqual(('uploaded', True), (row['Result'], row['Verified']))
        image = self.images()['Image']
        self.assert_same(self.folder / 'image.raw', image)
        self.assertEqual((url, '1', 'me', ['os:ubuntu']), (
            image.image_source, image.internal_version,
            image.image_original_user, image.tags))
        # Without a second download.
        row = self.upload(path)['Image']
        self.assertEqual(('skipped', True), (row['Result'], row['Verified']))
        self.glance.images.delete(image.id)
        row = self.upload(path, '--import', expected=3)['Image']
        self.assertEqual(('uploaded', None), (row['Result'], row['Verified']))


class ThinTest(UploadTestCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make('glance-' + cls.__name__, stores={'ceph': {
            **api_base.STORES['ceph'], 'rbd_thin_provisioning': True}})

    def test_saved_bytes(self) -> None:
        """They are those that Ceph does not keep."""
        path = self.sparse('image.raw', 64 * MiB)
        row = self.upload(path)['image']
        # What a store saves, Glance tells administrators alone.
        self.assertEqual((None, 48 * MiB), (row['Saved'], row['Zeros']))
        self.door.headers = glance.identity_headers(
            self.owner['X-Project-Id'], 'admin')
        path = path.rename(self.folder / 'second.raw')
        row = self.upload(path)['second']
        self.assertEqual(48 * MiB, row['Saved'])
        kept = []
        with rbd.Image(self.ioctx(), row['ID'], read_only=True) as image:
            image.diff_iterate(
                0, image.size(), None,
                lambda offset, length, exists: kept.append(length))
        self.assertEqual(64 * MiB - row['Saved'], sum(kept))
