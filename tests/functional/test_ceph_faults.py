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

"""Faults of Ceph in the middle of an upload, through a whole glance-api."""

from __future__ import annotations

import io
import signal

from allinone.daemons import glance
from tests.functional import api_base
from tests.functional import base
from tests.functional import glance_base
from tests.functional import services

MiB = base.MiB

#: A pool that may be full; its name says nothing to a tenant.
_POOL = 'bounded'
_QUOTA = 4 * MiB


class CephFaultTests:
    """What holds for each way to run glance-api.

    Under eventlet a process that waits for Ceph answers nobody. So what it
    says is looked at before and afterwards alone.
    """

    #: Bytes that a project may keep.
    PROJECT_QUOTA = 24 * MiB

    @classmethod
    def options(cls) -> dict[str, object]:
        return {
            'stores': {
                'ceph': api_base.STORES['ceph'],
                'bounded': {'type': 'rbd', 'pool': _POOL,
                            **glance_base.CHUNK},
                'impatient': {'type': 'rbd', 'pool': services.SECOND_POOL,
                              'rados_connect_timeout': 2,
                              **glance_base.CHUNK}},
            'options': {'DEFAULT': {
                'user_storage_quota': str(cls.PROJECT_QUOTA)}}}

    def setUp(self) -> None:
        self.ceph = services.ceph()
        self.ceph.create_pool(_POOL)
        self.addCleanup(self.ceph.delete_pool, _POOL)
        self.allow(*services.POOLS, _POOL)
        self.addCleanup(self.allow, *services.POOLS)
        super().setUp()

    def allow(self, *pools: str) -> None:
        caps = ', '.join('profile rbd pool=' + pool for pool in pools)
        self.ceph.ceph('auth', 'caps', 'client.' + services.CEPH_USER,
                       'mon', 'profile rbd', 'osd', caps, 'mgr', caps)

    def begun(self, content: bytes, store: str, part: int) -> tuple:
        """Return an image, and its upload, of which *part* has come."""
        image_id = self.create_as(self.project)
        upload = self.upload(
            image_id, len(content), **self.project,
            **{'x-image-meta-store': store})
        upload.send(content[:part])
        self.wait_for(lambda: self.written(image_id, store) == part)
        return image_id, upload

    @property
    def project(self) -> dict[str, str]:
        """Somebody whose quota is his own."""
        self._project = getattr(self, '_project', None) or api_base.a_project()
        return self._project

    def written(self, image_id: str, store: str) -> int | None:
        answer = self.progress(image_id, self.project)
        return api_base.by_store(answer).get(store, {}).get('bytes_written')

    def assert_arrived(
        self, image_id: str, content: bytes, pool: str
    ) -> None:
        self.assertEqual(content, self.rbd_content(image_id, pool=pool))
        self.wait_for(lambda: self.progress(
            image_id, self.project)['percent'] == 100)

    def test_osd_stands_still_for_a_while(self) -> None:
        content = base.data(6 * MiB)
        image_id, upload = self.begun(content, 'ceph', 2 * MiB)
        with self.ceph_stopped():
            upload.send(content[2 * MiB:4 * MiB])
        upload.send(content[4 * MiB:])
        self.assertEqual(204, upload.end())
        self.assert_arrived(image_id, content, services.POOL)

    def test_osd_killed_and_restarted(self) -> None:
        content = base.data(6 * MiB)
        image_id, upload = self.begun(content, 'ceph', 2 * MiB)
        osd = self.ceph.osd
        osd.send_signal(signal.SIGKILL)
        self.wait_for(lambda: not osd.running)
        upload.send(content[2 * MiB:4 * MiB])
        osd.start()
        osd.wait_ready()
        upload.send(content[4 * MiB:])
        self.assertEqual(204, upload.end())
        self.assert_arrived(image_id, content, services.POOL)

    def test_osd_does_not_answer_in_time(self) -> None:
        content = base.data(4 * MiB)
        image_id, upload = self.begun(content, 'impatient', 2 * MiB)
        # Long enough for librbd to give up, which tries five times, and not
        # for what cleans up.
        self.ceph.osd.send_signal(signal.SIGSTOP)
        try:
            upload.send(content[2 * MiB:])
            self.assertLessEqual(500, upload.end())
        finally:
            self.ceph.osd.send_signal(signal.SIGCONT)
        failed = self.wait_for(lambda: (
            answer := self.progress(image_id, self.project))[
                'phase'] == 'failed' and answer)
        self.assertIn('did not answer in time',
                      failed['last_failure']['failure'])
        self.assertLess(failed['percent'], 100)

    def test_pool_full_in_the_middle(self) -> None:
        content = base.data(12 * MiB)
        image_id, upload = self.begun(content, 'bounded', 6 * MiB)
        self.quota(_QUOTA)
        self.wait_for(self.is_full)
        upload.send(content[6 * MiB:])
        # It waits for room, and then goes on.
        self.quota(0)
        self.wait_for(lambda: not self.is_full())
        self.assertEqual(204, upload.end())
        self.assert_arrived(image_id, content, _POOL)

    def quota(self, size: int) -> None:
        self.ceph.ceph(
            'osd', 'pool', 'set-quota', _POOL, 'max_bytes', str(size))

    def is_full(self) -> bool:
        dump = self.ceph.ceph('osd', 'dump', parse=True)
        return any('full' in pool['flags_names'] for pool in dump['pools']
                   if pool['pool_name'] == _POOL)

    def test_quota_of_the_project_in_the_middle(self) -> None:
        self.api.client(self.project).images.upload(
            self.create_as(self.project),
            io.BytesIO(bytes(self.PROJECT_QUOTA - 4 * MiB)))
        image_id = self.create_as(self.project)
        upload = self.upload(image_id, None, **self.project)
        upload.send(bytes(2 * MiB))
        self.wait_for(lambda: self.written(image_id, 'ceph') == 2 * MiB)
        upload.send(bytes(4 * MiB))
        self.assertEqual(413, upload.end())
        failed = self.wait_for(lambda: (
            answer := self.progress(image_id, self.project))[
                'phase'] == 'failed' and answer)
        self.assertIn('quota', failed['last_failure']['failure'])
        # What is left of the quota is there for the next one.
        self.api.client(self.project).images.upload(
            self.create_as(self.project), io.BytesIO(bytes(2 * MiB)))


class UwsgiTest(CephFaultTests, api_base.ApiTestCase):
    """Today's Glance."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make('glance-ceph-faults', **cls.options())


class EventletTest(CephFaultTests, api_base.ApiTestCase):
    """The last release but one that has a script."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-ceph-faults-eventlet', kind=glance.EventletGlanceApi,
            workers=1, venv=services.released_venv('2025.2'),
            **cls.options())
