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

"""Why data did not come is told, of what was refused and of what is gone."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import time
from typing import Any

from allinone.daemons import glance
from glance_progress.api import refused
from glance_progress.driver import failure
from glance_progress.records import wire
from tests.functional import api_base
from tests.functional import base
from tests.functional import services

MiB = base.MiB

OWNER = api_base.OWNER
ADMIN = api_base.ADMIN
COLLEAGUE = glance.identity_headers('demo', 'member', user='colleague')
READER = glance.identity_headers('demo', 'reader')
STRANGER = api_base.headers('stranger')


class FailuresCase(api_base.ApiTestCase):

    #: Bytes that a project may keep
    QUOTA = 64 * MiB

    @classmethod
    def options(cls) -> dict[str, Any]:
        return {
            'section': {'stalled_after': 1, 'record_ttl': 60},
            'options': {'DEFAULT': {'user_storage_quota': str(cls.QUOTA)}}}

    def failed_image(self, **properties: Any) -> str:
        """Return an image whose sender has gone away."""
        image_id = self.create_as(ADMIN, **properties)
        upload = self.upload(image_id, 4 * MiB, **ADMIN)
        upload.send(base.data(2 * MiB))
        self.wait_store(image_id, bytes_written=2 * MiB)
        upload.abandon()
        self.wait_progress(image_id, phase='failed', status='queued')
        return image_id

    def delete(self, image_id: str) -> None:
        self.api.client(ADMIN).images.delete(image_id)

    def failures(
        self, headers: dict[str, str] = OWNER, query: str = '&limit=1000'
    ) -> dict[str, dict[str, Any]]:
        answer = self.get('/v2/info/progress?failed=true' + query, headers)
        self.assertEqual(200, answer.status_code, answer.text)
        return {each['image_id']: each for each in answer.json()['images']}


class FailureTests:
    """What holds for each supported Glance."""

    def test_reason_outlives_the_image(self) -> None:
        image_id = self.failed_image(name='snapshot')
        self.assertIn(image_id, self.failures())
        self.delete(image_id)
        for headers in (OWNER, COLLEAGUE, ADMIN):
            answer = self.progress(image_id, headers)
            self.assertEqual(
                ('snapshot', 'demo', 'deleted', 'failed', failure.SOURCE),
                (answer['name'], answer['owner'], answer['status'],
                 answer['phase'], answer['last_failure']['failure']))
            self.assertRegex(answer['last_failure']['request_id'], '^req-')
            self.assertEqual(answer['last_failure'], self.failures(
                headers)[image_id]['last_failure'])

    def assert_gone(self, image_id: str, headers: dict[str, str]) -> None:
        path = '/v2/images/' + image_id
        image, ours = (self.get(each, headers)
                       for each in (path, path + '/progress'))
        self.assertEqual((404, 404, image.text), (
            image.status_code, ours.status_code, ours.text))
        self.assertNotIn(image_id, self.failures(headers))

    def test_is_not_for_strangers(self) -> None:
        """Nor for those who could see the image, while it was there."""
        for visibility in ('private', 'shared', 'community', 'public'):
            image_id = self.failed_image(visibility=visibility)
            if visibility == 'shared':
                self.api.client(ADMIN).image_members.create(
                    image_id, 'stranger')
                self.api.client(STRANGER).image_members.update(
                    image_id, 'stranger', 'accepted')
            self.assertNotIn(image_id, self.failures(STRANGER))
            self.delete(image_id)
            self.assert_gone(image_id, STRANGER)
            self.assertIn(image_id, self.failures())

    def test_deleted_without_failure(self) -> None:
        finished, queued = self.put(), self.create()
        self.wait_store(finished, state='finished')
        for image_id in (finished, queued):
            self.delete(image_id)
            for headers in (OWNER, ADMIN):
                self.assert_gone(image_id, headers)

    def refused(
        self, status: int, reason: str, store: str = 'ceph',
        target: str = 'file', headers: dict[str, str] = OWNER,
        size: int = 3, **more: str
    ) -> str:
        image_id = self.create()
        upload = self.upload(image_id, size, target, **headers, **more)
        self.assertEqual(status, upload.end())
        answer = self.wait_progress(image_id, phase='failed')
        self.assertEqual(('queued', {store: 'failed'}), (
            answer['status'], api_base.states(answer)))
        self.assertEqual(
            (store, reason, answer['stores'][0]['request_id']), tuple(
                answer['last_failure'][name]
                for name in ('store', 'failure', 'request_id')))
        self.assertIn(image_id, self.failures())
        # The next attempt is told as ever.
        self.client.images.upload(image_id, io.BytesIO(b'abc'))
        self.wait_progress(image_id, phase='done', percent=100)
        return image_id

    def test_refused(self) -> None:
        self.refused(413, 'The image exceeds the quota.',
                     size=self.QUOTA + 1)
        self.refused(400, refused._NO_STORE,
                     **{'x-image-meta-store': 'nowhere'})
        self.refused(410, 'The store does not accept image data.', 'web',
                     **{'x-image-meta-store': 'web'})

    def test_nobody_makes_others_look_failed(self) -> None:
        unknown = {'x-image-meta-store': 'nowhere'}
        for visibility in ('private', 'shared', 'community', 'public'):
            image_id = self.create_as(ADMIN, visibility=visibility)
            for more in (unknown, {}):
                upload = self.upload(image_id, 3, **STRANGER, **more)
                self.assertLessEqual(400, upload.end())
            # The publisher sends in order.
            self.refused(400, refused._NO_STORE, **unknown)
            answer = self.progress(image_id)
            self.assertEqual(('queued', 'queued', None), tuple(
                answer[name] for name in (
                    'status', 'phase', 'last_failure')))

    def test_what_goes_on_is_left_alone(self) -> None:
        image_id = self.create()
        upload = self.upload(image_id, 2 * MiB)
        upload.send(base.data(MiB))
        self.wait_store(image_id, bytes_written=MiB)
        for more, status in (({'x-image-meta-store': 'nowhere'}, 400),
                             ({}, 409)):
            self.assertEqual(status, self.upload(image_id, 3, **more).end())
            answer = self.progress(image_id)
            self.assertEqual(
                ('upload', {'ceph': 'uploading'}, None),
                (answer['phase'], api_base.states(answer),
                 answer['last_failure']))
        upload.send(base.data(MiB))
        self.assertEqual(204, upload.end())
        # Nor is what has come to its end.
        self.assertEqual(400, self.upload(
            image_id, 3, **{'x-image-meta-store': 'nowhere'}).end())
        self.assertEqual('done', self.wait_store(
            image_id, state='finished')['phase'])


class FailureTest(FailureTests, FailuresCase):
    """Today's Glance."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make('glance-failures', **cls.options())

    def test_refused_to_who_may_not_upload(self) -> None:
        # By Zed's policies, a reader may.
        reason = refused._REASONS[403]
        self.refused(403, reason, headers=READER)
        self.refused(403, reason, wire.STAGING_STORE, 'stage', READER)

    def test_pages(self) -> None:
        project = api_base.a_project()
        images = []
        for _ in range(5):
            image_id = self.create_as(project)
            self.assertEqual(400, self.upload(image_id, 3, **{
                **project, 'x-image-meta-store': 'nowhere'}).end())
            images.append(image_id)
        self.wait_for(lambda: len(self.failures(project)) == 5)
        self.api.client(project).images.delete(images[1])
        self.api.client(project).images.delete(images[3])
        for limit in (1, 2, 5, 6):
            seen: list[str] = []
            path = '/v2/info/progress?failed=true&limit=%d' % limit
            while path:
                page = self.get(path, project).json()
                self.assertLessEqual(len(page['images']), limit)
                seen += [each['image_id'] for each in page['images']]
                path = page.get('next')
            # Those of one second come in any order.
            self.assertEqual(sorted(images), sorted(seen))
        self.assertEqual(400, self.get(
            '/v2/info/progress?failed=x', project).status_code)
        self.assertEqual([], self.in_transit(
            project, '?failed=false&limit=1000'))

    def send_slowly(self, size: int | None) -> None:
        image_id = self.create()
        upload = self.upload(image_id, size)
        received, ends_at = [0], time.monotonic() + 3
        while time.monotonic() < ends_at:
            for _ in range(5):
                upload.send(bytes(2048))
                time.sleep(0.1)
            store, = self.progress(image_id)['stores']
            self.assertEqual(
                ('uploading', 0, False),
                (store['state'], store['bytes_written'], store['stalled']))
            received.append(store['bytes_received'] or 0)
        self.assertEqual(sorted(received), received)
        self.assertGreater(len(set(received)), 2)
        # Who sends no more is stalled all the same.
        answer = self.wait_store(image_id, stalled=True)
        self.assertGreater(answer['stores'][0]['bytes_received'], 0)

    def test_slow_sender(self) -> None:
        self.send_slowly(4 * MiB)

    def test_slow_sender_of_unknown_size(self) -> None:
        self.send_slowly(None)

    def test_dead_for_long(self) -> None:
        image_id = self.create()
        upload = self.upload(image_id, 4 * MiB)
        upload.send(base.data(2 * MiB))
        self.wait_store(image_id, bytes_written=2 * MiB)
        os.kill(int(subprocess.check_output(
            ['pgrep', '-P', str(self.api.pid)], text=True)), signal.SIGKILL)
        self.wait_for(self.api.ready)
        # To wait for record_ttl would take a minute.
        services.mariadb().execute(
            "UPDATE %s.images SET updated_at = '2026-01-02 03:04:05' "
            "WHERE id = '%s'" % (self.api.database.name, image_id))
        self.assertIsNone(self.progress(image_id)['silent_since'])
        self.forget(image_id)
        answer = self.progress(image_id)
        self.assertEqual(
            ('saving', 'unknown', None, [], '2026-01-02T03:04:05Z'), tuple(
                answer[name] for name in (
                    'status', 'phase', 'percent', 'stores',
                    'silent_since_iso')))


class DebianFailureTest(FailureTests, FailuresCase):
    """Zed as Debian 12 packages it."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-failures-debian', kind=glance.DebianGlanceApi,
            venv=services.debian_venv(), workers=1, **cls.options())
