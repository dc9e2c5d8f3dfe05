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

"""PUT /v2/images/{image_id}/file through the API extension."""

from __future__ import annotations

import io
import json
import subprocess
import uuid

from allinone.daemons import glance
from glance_progress.api import uploads
from glance_progress.driver import failure
from tests.functional import api_base
from tests.functional import base
from tests.functional import services

MiB = base.MiB


def wait_refused(test: api_base.ApiTestCase, image_id: str, code: int) -> str:
    """Wait until an upload has failed with *code*, and return the status."""
    answer = test.wait_progress(image_id, phase='failed')
    test.assertLess(answer['percent'], 100)
    store, = answer['stores']
    test.assertEqual(('failed', uploads._REFUSALS[code]),
                     (store['state'], store['failure']))
    return answer['status']


class ColocationTests:
    """An upload that names a base image goes where that is."""

    def stored(self, headers: dict[str, str] = api_base.OWNER,
               **more: str) -> str:
        """Upload an image and return the store in which it is."""
        image_id = self.put(b'abc', headers, **more)
        return self.api.client(headers).images.get(image_id).stores

    def base_image(self, *stores: str, **properties: str) -> str:
        image_id = self.put(**{'x-image-meta-store': stores[0]})
        if properties:
            self.client.images.update(image_id, **properties)
        return image_id

    def refer(self, image_id: str, **more: str) -> dict[str, str]:
        return {uploads.BASE_HEADER: image_id, **more}

    def test_where_the_base_image_is(self) -> None:
        for store in ('ceph', 'second', 'third', 'disk'):
            self.assertEqual(
                store, self.stored(**self.refer(self.base_image(store))))

    def test_progress_is_where_it_goes(self) -> None:
        image_id = self.put(**self.refer(self.base_image('second')))
        answer = self.wait_store(image_id, 'second', state='finished')
        self.assertEqual({'second': 'finished'}, api_base.states(answer))

    def test_base_image_in_no_store(self) -> None:
        for image_id in (self.create(), str(uuid.uuid4())):
            self.assertEqual('ceph', self.stored(**self.refer(image_id)))

    def test_base_image_that_the_caller_may_not_see(self) -> None:
        image_id = self.base_image('second')
        stranger = api_base.a_project()
        self.assertEqual(
            'ceph', self.stored(stranger, **self.refer(image_id)))
        self.client.images.update(image_id, visibility='community')
        self.assertEqual(
            'second', self.stored(stranger, **self.refer(image_id)))

    def test_explicit_store_wins(self) -> None:
        image_id = self.base_image('second')
        self.assertEqual('third', self.stored(**self.refer(
            image_id, **{'x-image-meta-store': 'third'})))

    def test_malformed(self) -> None:
        """Glance alone takes the upload, whatever the header says."""
        other = self.base_image('second')
        for malformed in ('', 'nope', 'x' * 300, '{%s}' % other,
                          other + 'a', other + ' ' + other):
            self.assertEqual('ceph', self.stored(**self.refer(malformed)))
        self.assertEqual('third', self.stored(**self.refer(
            'nope', **{'x-image-meta-store': 'third'})))


class UploadTest(ColocationTests, api_base.ApiTestCase):
    """Today's Glance."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make('glance-upload')

    def test_base_image_in_several_stores(self) -> None:
        for stores, expected in ((('second', 'third'), 'second'),
                                 (('third', 'ceph'), 'ceph')):
            image_id = self.base_image(stores[0])
            self.api.client(api_base.ADMIN).images.image_import(
                image_id, 'copy-image', stores=list(stores[1:]))
            self.wait_for(lambda: len(self.client.images.get(
                image_id).stores.split(',')) == 2)
            self.assertEqual(expected, self.stored(**self.refer(image_id)))

    # Why an upload has failed can be read when the uploader has gone.

    def broken_upload(self) -> str:
        image_id = self.create()
        upload = self.upload(image_id, 4 * MiB)
        upload.send(base.data(2 * MiB))
        self.wait_store(image_id, bytes_written=2 * MiB)
        upload.abandon()
        return image_id

    def test_uploader_goes_away(self) -> None:
        image_id = self.broken_upload()
        answer = self.wait_progress(image_id, phase='failed')
        self.assertEqual(('queued', 50), (answer['status'],
                                          answer['percent']))
        store, = answer['stores']
        self.assertEqual(('failed', failure.SOURCE),
                         (store['state'], store['failure']))
        self.assertNotIn(image_id, self.in_transit())

    def test_second_attempt(self) -> None:
        image_id = self.broken_upload()
        self.wait_progress(image_id, phase='failed')
        self.client.images.upload(image_id, io.BytesIO(b'abc'))
        self.wait_progress(image_id, phase='done', percent=100)

    def test_announced_size_that_is_none(self) -> None:
        # The driver fails, which is told as any failure is.
        image_id = self.create()
        answer = self.request(
            'PUT', '/v2/images/%s/file' % image_id,
            {**api_base.OWNER, 'x-openstack-image-size': '-5',
             'Content-Type': 'application/octet-stream'}, data=b'abc')
        self.assertLessEqual(400, answer.status_code)
        failed = self.wait_progress(image_id, phase='failed')
        self.assertEqual(
            ('failed', None), tuple(failed['stores'][0][name] for name
                                    in ('state', 'total_bytes')))

    def test_refused_by_glance(self) -> None:
        # A boot sector without partitions, which Glance finds when all is
        # stored, and then forgets to remove.
        content = bytes(510) + b'\x55\xaa' + bytes(MiB)
        image_id = self.create()
        upload = self.upload(image_id, len(content))
        upload.send(content)
        self.assertEqual(415, upload.end())
        self.assertEqual('queued', wait_refused(self, image_id, 415))
        # A second attempt is Duplicate; that changes the reason.
        upload = self.upload(image_id, 3)
        upload.send(b'abc')
        self.assertEqual(500, upload.end())
        answer = self.wait_progress(image_id, phase='failed')
        self.assertIn('already holds', answer['stores'][0]['failure'])

    def test_refused_without_a_try(self) -> None:
        # Nothing of it reaches a store, so the record stays. All requests of
        # one operation of Nova or Cinder have the same id.
        request = {'X-Openstack-Request-ID': 'req-%s' % uuid.uuid4()}
        image_id = self.put(**request)
        before = self.wait_store(image_id, state='finished')
        upload = self.upload(image_id, 3, **request)
        upload.send(b'abc')
        self.assertEqual(409, upload.end())
        after = self.progress(image_id)
        for answer in (before, after):
            del answer['stores'][0]['age']
        self.assertEqual(before, after)

    def test_deleted_meanwhile(self) -> None:
        image_id = self.create()
        upload = self.upload(image_id, 3 * MiB)
        upload.send(base.data(2 * MiB))
        self.wait_store(image_id, bytes_written=2 * MiB)
        self.client.images.delete(image_id)
        upload.send(base.data(MiB))
        self.assertEqual(410, upload.end())
        # Operators can still read why, and so can its owner.
        record = self.wait_shown(image_id, state='failed')
        self.assertEqual(uploads._REFUSALS[410], record['failure'])
        answer = self.progress(image_id)
        self.assertEqual(('deleted', 'failed', record['failure']), (
            answer['status'], answer['phase'],
            answer['last_failure']['failure']))
        self.assertEqual(404, self.get(
            '/v2/images/%s/progress' % image_id,
            api_base.a_project()).status_code)

    # What Cinder and Nova do, in their own words.

    def by(self, service: str, content: bytes, **arguments: str) -> str:
        """Have another service's client upload a new image."""
        image_id = self.create()
        path = services.directory() / image_id
        path.write_bytes(content)
        self.addCleanup(path.unlink)
        subprocess.run(
            [str(services.clients_venv() / 'bin' / 'python3'), '-W', 'ignore',
             '-m', 'tests.functional.upload_by_service', service, json.dumps({
                 'url': self.api.url, 'image_id': image_id,
                 'path': str(path), 'headers': api_base.OWNER,
                 'arguments': arguments})],
            check=True, timeout=120, cwd=services.PROJECT)
        return image_id

    def assert_uploaded(
        self, image_id: str, store: str, content: bytes
    ) -> None:
        answer = self.wait_store(image_id, store, state='finished')
        self.assertEqual({store: 'finished'}, api_base.states(answer))
        self.assertEqual(len(content), answer['size'])
        self.assertEqual(
            content, b''.join(self.client.images.data(image_id)))

    def test_cinder(self) -> None:
        content = base.data(3 * MiB)
        image_id = self.by(
            'cinder', content, store_id='third',
            base_image_ref=self.base_image('second'))
        self.assert_uploaded(image_id, 'third', content)

    def test_cinder_with_a_base_image_only(self) -> None:
        content = base.data(3 * MiB)
        image_id = self.by(
            'cinder', content,
            base_image_ref=self.base_image('second'))
        self.assert_uploaded(image_id, 'second', content)

    def test_nova(self) -> None:
        content = base.data(3 * MiB)
        self.assert_uploaded(
            self.by('nova', content), 'ceph', content)


class DebianUploadTest(ColocationTests, api_base.ApiTestCase):
    """Zed as Debian 12 packages it."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-upload-debian', kind=glance.DebianGlanceApi,
            venv=services.debian_venv(), workers=1)


class QuotaTest(api_base.ApiTestCase):
    """A project with a quota."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make('glance-quota', options={
            'DEFAULT': {'user_storage_quota': '2MB'}})

    def test_exceeded_by_an_image_of_unknown_size(self) -> None:
        # So Glance cannot tell before all is stored.
        image_id = self.create()
        upload = self.upload(image_id, None)
        upload.send(base.data(3 * MiB))
        self.assertEqual(413, upload.end())
        # Glance fails to return it to queued.
        self.assertEqual('saving', wait_refused(self, image_id, 413))


class BaseImageTest(api_base.ApiTestCase):
    """A Glance that takes no notice of base images."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-base-image', section={'honor_base_image_ref': False})

    def test_is_ignored(self) -> None:
        image_id = self.put(**{'x-image-meta-store': 'second'})
        for base_id in (image_id, 'nonsense'):
            upload = self.put(**{uploads.BASE_HEADER: base_id})
            self.assertEqual('ceph', self.client.images.get(upload).stores)
