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

"""Uploads through a real glance-api, watched from another process."""

from __future__ import annotations

import io
import re
import signal

import glanceclient.exc

from allinone.daemons import glance
from allinone import service
from glance_progress.driver import failure
from tests.functional import base
from tests.functional import glance_base
from tests.functional.glance_base import FAILED
from tests.functional.glance_base import FINISHED
from tests.functional.glance_base import UPLOADING
from tests.functional import services

MiB = base.MiB


class UploadTests:
    """What holds for each supported way to run glance-api."""

    def test_known_size(self) -> None:
        content = base.data(4 * MiB + 7)
        image_id = self.create()
        upload = self.upload(image_id, len(content))
        first = self.wait_shown(image_id, state=UPLOADING, bytes_written=0)
        self.assertEqual(len(content), first['total_bytes'])
        self.assertEqual(0, first['percent'])
        self.assertRegex(first['request_id'], '^req-')
        # Two chunks, and what makes the driver ask for the third.
        upload.send(content[:2 * MiB])
        record = self.wait_shown(image_id, bytes_written=2 * MiB)
        self.assertEqual(49.9, record['percent'])
        self.assertEqual((len(content), 2 * MiB), self.legacy(image_id))
        self.assertEqual('saving', self.client.images.get(image_id).status)
        upload.send(content[2 * MiB:])
        self.assertEqual(204, upload.end())
        last = self.wait_shown(image_id, state=FINISHED)
        self.assertEqual(len(content), last['bytes_written'])
        self.assertEqual(100, last['percent'])
        self.assertEqual(first['sequence'], last['sequence'])
        self.assertEqual((len(content),) * 2, self.legacy(image_id))
        self.assertEqual('active', self.client.images.get(image_id).status)
        self.assertEqual(content, self.rbd_content(image_id))

    def test_unknown_size(self) -> None:
        content = base.data(3 * MiB + 7)
        image_id = self.create()
        upload = self.upload(image_id, None)
        upload.send(content[:2 * MiB])
        record = self.wait_shown(image_id, bytes_written=2 * MiB)
        self.assertIsNone(record['total_bytes'])
        self.assertIsNone(record['percent'])
        self.assertEqual((1, 0), self.legacy(image_id))
        upload.send(content[2 * MiB:])
        self.assertEqual(204, upload.end())
        last = self.wait_shown(image_id, state=FINISHED)
        self.assertEqual(len(content), last['total_bytes'])
        self.assertEqual((len(content),) * 2, self.legacy(image_id))
        self.assertEqual(content, self.rbd_content(image_id))

    def test_client_goes_away_and_comes_back(self) -> None:
        content = base.data(4 * MiB)
        image_id = self.create()
        upload = self.upload(image_id, len(content))
        upload.send(content[:2 * MiB])
        first = self.wait_shown(image_id, bytes_written=2 * MiB)
        upload.abandon()
        failed = self.wait_shown(image_id, state=FAILED)
        self.assertEqual(failure.SOURCE, failed['failure'])
        self.assertEqual(2 * MiB, failed['bytes_written'])
        self.wait_for(lambda: self.client.images.get(
            image_id).status == 'queued')

        again = self.upload(image_id, len(content))
        second = self.wait_shown(image_id, state=UPLOADING)
        self.assertGreater(second['sequence'], first['sequence'])
        again.send(content)
        self.assertEqual(204, again.end())
        self.wait_shown(image_id, state=FINISHED)
        self.assertEqual(content, self.rbd_content(image_id))

    def test_concurrent_uploads_do_not_mix(self) -> None:
        contents = [base.data((2 + n) * MiB + n, seed=n) for n in range(4)]
        ids = [self.create() for _ in contents]
        uploads = []
        for image_id, content in zip(ids, contents):
            uploads.append(self.upload(image_id, len(content)))
        for upload, content in zip(uploads, contents):
            upload.send(content[:MiB])
        for image_id, content in zip(ids, contents):
            record = self.wait_shown(image_id, bytes_written=MiB)
            self.assertEqual(len(content), record['total_bytes'])
        for upload, content in zip(uploads, contents):
            upload.send(content[MiB:-1])
        for upload, content in zip(uploads, contents):
            upload.send(content[-1:])
            self.assertEqual(204, upload.end())
        for image_id, content in zip(ids, contents):
            record = self.wait_shown(image_id, state=FINISHED)
            self.assertEqual(len(content), record['bytes_written'])
            self.assertEqual(content, self.rbd_content(image_id))


class GlanceTest(UploadTests, glance_base.GlanceTestCase):
    """Today's Glance, threads under uwsgi."""

    def test_glanceclient(self) -> None:
        content = base.data(2 * MiB)
        image_id = self.create()
        self.client.images.upload(image_id, io.BytesIO(content))
        self.assertEqual(
            len(content), self.wait_shown(
                image_id, state=FINISHED)['bytes_written'])

    def test_size_that_a_chunked_client_announces(self) -> None:
        image_id = self.create()
        upload = self.upload(
            image_id, None, **{'x-openstack-image-size': str(2 * MiB)})
        upload.send(bytes(MiB))
        record = self.wait_shown(image_id, bytes_written=MiB)
        self.assertEqual(50, record['percent'])
        upload.send(bytes(MiB))
        self.assertEqual(204, upload.end())

    def test_body_shorter_than_announced(self) -> None:
        image_id = self.create()
        upload = self.upload(
            image_id, None, **{'x-openstack-image-size': str(3 * MiB)})
        upload.send(base.data(2 * MiB))
        self.assertEqual(400, upload.end())
        record = self.wait_shown(image_id, state=FAILED)
        self.assertIn('another size', record['failure'])
        self.assertLess(record['percent'], 100)

    def test_too_large_for_glance(self) -> None:
        api = glance_base.make(
            'glance-cap', options={'DEFAULT': {'image_size_cap': 2 * MiB}})
        with api:
            self.api, self.client = api, api.client(glance_base.HEADERS)
            image_id = self.create()
            upload = self.upload(image_id, None)
            upload.send(base.data(3 * MiB))
            self.assertEqual(413, upload.end())
            record = self.wait_shown(image_id, state=FAILED)
            self.assertIn('larger than Glance allows', record['failure'])

    def test_duplicate(self) -> None:
        image_id = self.create()
        self.store(self.conf()).add(image_id, io.BytesIO(b'x'), 1, 'md5')
        upload = self.upload(image_id, 1)
        upload.send(b'y')
        self.assertEqual(500, upload.end())  # as with the stock driver
        record = self.wait_shown(image_id, state=FAILED)
        self.assertIn('already holds', record['failure'])

    def test_two_backends(self) -> None:
        ids = {}
        for store in ('ceph', 'second'):
            ids[store] = self.create()
            upload = self.upload(
                ids[store], 5, **{'x-image-meta-store': store})
            upload.send(b'abcde')
            self.assertEqual(204, upload.end())
        for store, image_id in ids.items():
            self.assertEqual(
                store, self.wait_shown(image_id, state=FINISHED)['store'])
            self.assertEqual(store, self.client.images.get(image_id).stores)

    def test_empty_image(self) -> None:
        image_id = self.create()
        self.assertEqual(204, self.upload(image_id, None).end())
        self.assertEqual(
            100, self.wait_shown(image_id, state=FINISHED)['percent'])
        self.assertEqual((1, 1), self.legacy(image_id))


class DebianGlanceTest(UploadTests, glance_base.GlanceTestCase):
    """Zed as Debian 12 packages it, under eventlet, with a forked worker."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return glance_base.make(
            'glance-debian', glance.DebianGlanceApi, services.debian_venv(),
            workers=1)


class StoreNamesTest(glance_base.GlanceTestCase):

    NAMES = ('with space', 'größe', 'x' * 300)

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return glance_base.make('glance-names', stores={
            name: glance_base.STORES['ceph'] for name in cls.NAMES})

    def test_progress_of_each(self) -> None:
        for name in self.NAMES:
            image_id = self.create()
            upload = self.upload(image_id, 3, **{
                'x-image-meta-store': name.encode().decode('latin-1')})
            upload.send(b'abc')
            status = upload.end()
            if status == 400:  # Glance itself does not know it by this name
                self.assertFalse(name.isascii())
                continue
            self.assertEqual(204, status)
            self.assertEqual(
                name, self.wait_shown(image_id, state=FINISHED)['store'])


class SwitchTest(glance_base.GlanceTestCase):
    """From the stock type to ours and back."""

    STOCK = {'ceph': {'type': 'rbd', 'pool': services.POOL}}
    OURS = {'ceph': {'type': 'rbd_progress', 'pool': services.POOL}}

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return glance_base.make(
            'glance-switch', stores=cls.STOCK,
            options={'DEFAULT': {'show_multiple_locations': True,
                                 'show_image_direct_url': True}})

    def restart_with(
        self, stores: dict[str, dict[str, object]], multi_store: bool,
    ) -> None:
        self.api.stop()
        self.api.stores, self.api.multi_store = stores, multi_store
        self.api.default_store = None if multi_store else 'rbd'
        self.api.start()
        self.api.wait_ready()

    def put(self, content: bytes) -> str:
        image_id = self.create()
        self.client.images.upload(image_id, io.BytesIO(content))
        return image_id

    def check(self, image_id: str, content: bytes) -> str:
        """Read an image through Glance and return its location."""
        self.assertEqual(
            content, b''.join(self.client.images.data(image_id)))
        image = self.api.client(
            glance_base.ADMIN_HEADERS).images.get(image_id)
        return image.locations[0]['url']

    def test_images_outlive_each_switch(self) -> None:
        content = base.data(MiB + 1)
        single_ours = {'http': {'type': 'http'}, **self.OURS}
        single_stock = {'http': {'type': 'http'}, **self.STOCK}
        steps = [(single_stock, False), (single_ours, False),
                 (self.OURS, True), (self.STOCK, True), (self.OURS, True)]
        locations: dict[str, str] = {}
        for stores, multi_store in steps:
            self.restart_with(stores, multi_store)
            new = self.put(content)
            for image_id in [*locations, new]:
                location = self.check(image_id, content)
                self.assertEqual(
                    locations.setdefault(image_id, location), location)
                self.assertRegex(location, '^rbd://[^/]+/%s/%s/snap$'
                                 % (services.POOL, image_id))
        for image_id in locations:
            self.client.images.delete(image_id)
            self.assertRaises(
                glanceclient.exc.HTTPNotFound,
                self.client.images.get, image_id)
        self.assertEqual([], self._left(locations))

    def _left(self, images: dict[str, str]) -> list[str]:
        import rbd
        return [name for name in rbd.RBD().list(self.ioctx())
                if name in images]


class StartTest(base.TestCase):

    def test_wrong_value_stops_the_service(self) -> None:
        for name, value in (('update_interval', 'often'),
                            ('stalled_after', '0.2'),
                            ('memcached_servers', 'host:port')):
            api = glance_base.make('glance-wrong', section={name: value})
            self.addCleanup(api.stop)
            api.start()
            error = self.assertRaises(
                service.ServiceError, api.wait_ready)
            self.assertIn('ended', str(error))
            log = api.log_path.read_text()
            api.log_path.unlink()
            self.assertIn(name, log)
            self.assertIn(value, log)


class OldUwsgi(glance.GlanceApi):
    """Under Debian's uwsgi 2.0.21, which has to be asked for threads."""

    def command(self) -> list[str]:
        known = [arg for arg in super().command()[1:]
                 if arg != '--http-chunked-input']
        return ['/usr/bin/uwsgi-core', '--plugin', 'python3',
                '--virtualenv', str(self.venv), *known]


class UwsgiWithoutThreadsTest(glance_base.GlanceTestCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return glance_base.make('glance-no-threads', OldUwsgi, threads=None)

    def test_uwsgi_without_threads(self) -> None:
        for _ in range(2):
            image_id = self.create()
            upload = self.upload(image_id, 2 * MiB)
            upload.send(base.data(2 * MiB))
            self.assertEqual(204, upload.end())
            self.assertEqual((2, []), self.show(image_id))
        log = self.api.log_path.read_text()
        self.assertEqual(1, len(re.findall('enable-threads = true', log)))


class StoppedTest(base.TestCase):

    def test_last_record_of_a_worker_that_ends(self) -> None:
        api = glance_base.make('glance-stopped')
        with api:
            client = api.client(glance_base.HEADERS)
            image_id = client.images.create(
                disk_format='raw', container_format='bare').id
            client.images.upload(image_id, io.BytesIO(base.data(MiB)))
            api.send_signal(signal.SIGTERM)
            self.wait_for(lambda: not api.running)
        record = self.record(
            self.conf(services.memcached().address), image_id, 'ceph')
        self.assertEqual(FINISHED, record.state)
