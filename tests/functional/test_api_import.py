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

"""Every way in through an import, watched through the API extension."""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import io
import itertools
import threading
from typing import Any

import fixtures

from allinone.daemons import glance
from glance_progress.answer import phases
from glance_progress.answer import reconcile
from glance_progress.imports import reasons
from glance_progress.records import wire
from tests.functional import api_base
from tests.functional import base
from tests.functional import services
from tests.unit import web

MiB = base.MiB
STAGING = wire.STAGING_STORE


class Download(fixtures.Fixture):
    """A web server with one file, of which it gives half until told.

    :param port: on loopback
    """

    def __init__(self, port: int, content: bytes) -> None:
        self._port = port
        self._content = content
        self.go_on = threading.Event()

    def _setUp(self) -> None:
        server = self.useFixture(web.Server(self._answer, self._port))
        self.url = server.url + '/image'
        self.addCleanup(self.go_on.set)

    def _answer(self, request: web.Request) -> None:
        request.send_response(200)
        request.send_header('Content-Length', str(len(self._content)))
        request.end_headers()
        half = len(self._content) // 2
        request.wfile.write(self._content[:half])
        self.go_on.wait(60)
        request.wfile.write(self._content[half:])


class CommonTests:
    """What holds for each supported Glance."""

    def watch(self, image_id: str) -> list[dict[str, Any]]:
        """Follow an image to its end and return all that was said of it."""
        seen = []

        def over() -> bool:
            seen.append(self.progress(image_id))
            return seen[-1]['phase'] in (phases.DONE, phases.FAILED)

        self.wait_for(over, 60)
        self.assertEqual(phases.DONE, seen[-1]['phase'], seen[-1])
        self.assertEqual(100, seen[-1]['percent'])
        return seen

    def assert_only_forward(self, seen: list[dict[str, Any]]) -> None:
        """The bar goes back to 0 with a new phase only, which says why."""
        for _, steps in itertools.groupby(
                seen, key=lambda answered: answered['phase']):
            percents = [answered['percent'] for answered in steps
                        if answered['percent'] is not None]
            self.assertEqual(sorted(percents), percents)

    def phases(self, seen: list[dict[str, Any]]) -> list[str]:
        return [phase for phase, _ in itertools.groupby(
            answered['phase'] for answered in seen)]

    def start_copy(self, image_id: str, *stores: str) -> None:
        self.api.client(api_base.ADMIN).images.image_import(
            image_id, 'copy-image', stores=list(stores))
        # Until the task has begun, the image looks as before.
        self.wait_for(lambda: self.progress(image_id)['phase'] != phases.DONE
                      or len(self.progress(image_id)['stores']) > 2)

    def test_glance_direct(self) -> None:
        self.slow_ceph()
        content = base.data(24 * MiB)
        image_id = self.create()
        upload = self.upload(image_id, len(content), 'stage')
        upload.send(content[:12 * MiB])
        staging = self.wait_store(image_id, STAGING, bytes_written=12 * MiB)
        self.assertEqual('staging', staging['phase'])
        self.assertEqual(
            ('uploading', 'staging', None),
            tuple(staging[name] for name in ('status', 'phase', 'size')))
        # Zed does not tell the staging area how much will come.
        self.assertIn(staging['percent'], (50, None))
        self.assertIsNone(self.memcached().get(image_id + '_total_size'))
        self.assertIn(image_id, self.in_transit())
        upload.send(content[12 * MiB:])
        self.assertEqual(204, upload.end())
        staged = self.wait_progress(image_id, phase='staged')
        self.assertEqual(len(content), staged['size'])
        self.assertEqual({STAGING: 'finished'}, api_base.states(staged))
        self.assertIsNone(self.memcached().get(image_id + '_total_size'))

        self.client.images.image_import(
            image_id, 'glance-direct', stores=['ceph', 'second'],
            allow_failure=False)
        seen = self.watch(image_id)
        self.assertLessEqual(
            set(self.phases(seen)), {'staged', 'import', 'done'})
        self.assert_only_forward(seen)
        self.assertTrue(any(
            each['store'] == 'ceph' and 0 < (each['percent'] or 0) < 100
            for answered in seen for each in answered['stores']))
        self.assertEqual((len(content),) * 2, self.legacy(image_id))
        self.assertEqual(
            {'ceph': 'finished', 'second': 'finished', STAGING: 'finished'},
            api_base.states(seen[-1]))
        self.assertEqual(content, self.rbd_content(image_id))

    def test_copy_image(self) -> None:
        content = base.data(20 * MiB)
        image_id = self.put(content)
        self.slow_ceph()
        self.start_copy(image_id, 'second', 'third')
        seen = self.watch(image_id)
        self.assertEqual({'active'}, {each['status'] for each in seen})
        self.assertIn('copy', self.phases(seen))
        self.assert_only_forward(seen)
        # In the middle of one of the two; a store is half of it. A Glance
        # under eventlet that writes answers a few times in five seconds.
        self.assertTrue(any(
            0 < each['percent'] % 50 < 49 for each in seen
            if each['phase'] == 'copy'), seen)
        self.assertEqual(
            {'ceph': 'finished', 'second': 'finished', 'third': 'finished',
             STAGING: 'finished'}, api_base.states(seen[-1]))
        self.assertEqual(
            {len(content)}, {each['total_bytes']
                             for each in seen[-1]['stores']})

    def test_copy_of_what_came_a_moment_ago(self) -> None:
        """The upload is no part of the copy, which Ceph lets wait."""
        content = base.data(MiB)
        image_id = self.put(content)
        with self.ceph_stopped():
            self.start_copy(image_id, 'second')
            waiting = self.progress(image_id)
        self.assertEqual((phases.COPY, 0), (
            waiting['phase'], waiting['percent']), waiting)
        self.assert_only_forward([waiting, *self.watch(image_id)])

    def test_web_download(self) -> None:
        content = base.data(4 * MiB)
        image_id = self.create()
        with Download(self.download_port, content) as download:
            self.client.images.image_import(
                image_id, 'web-download', uri=download.url, stores=['second'])
            answered = self.wait_store(
                image_id, STAGING, bytes_written=2 * MiB)
            self.assertEqual(('importing', 'staging'), tuple(
                answered[name] for name in ('status', 'phase')))
            self.assertEqual(
                'waiting', api_base.states(answered)['second'])
            self.assertIn(image_id, self.in_transit())
            download.go_on.set()
            seen = self.watch(image_id)
        self.assert_only_forward(seen)
        self.assertEqual(
            {'second': 'finished', STAGING: 'finished'},
            api_base.states(seen[-1]))


class ImportTest(CommonTests, api_base.ApiTestCase):
    """Today's Glance, which fills several stores at the same time."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make('glance-import', options={
            **cls.filtering(), 'image_import_opts': {
                'max_parallel_stores': 3}})

    @contextlib.contextmanager
    def stopped_once(self, image_id: str, store: str) -> Iterator[None]:
        """Stop Ceph while a store is being written."""
        self.wait_store(image_id, store, state='uploading')
        with self.ceph_stopped():
            yield

    def test_three_stores_at_once(self) -> None:
        self.slow_ceph()
        stores = ['ceph', 'second', 'third']
        image_id = self.stage(content=base.data(16 * MiB))
        self.client.images.image_import(
            image_id, 'glance-direct', stores=stores)
        with self.stopped_once(image_id, 'ceph'):
            answered = self.wait_for(lambda: self.all_uploading(
                image_id, stores))
            self.assertEqual(('importing', 'import'), tuple(
                answered[name] for name in ('status', 'phase')))
            each = [api_base.by_store(answered)[store] for store in stores]
            self.assertAlmostEqual(
                sum(store['percent'] for store in each) / 3,
                answered['percent'], delta=0.1)
            self.wait_for(lambda: self.legacy_is_of_one_store(image_id))
        seen = self.watch(image_id)
        self.assert_only_forward([answered, *seen])
        self.assertEqual(
            dict.fromkeys([*stores, STAGING], 'finished'),
            api_base.states(seen[-1]))

    def legacy_is_of_one_store(self, image_id: str) -> bool:
        # That which moved last. What was written before Ceph was stopped may
        # be told later, and between two looks.
        total, written = self.legacy(image_id)
        self.assertEqual(16 * MiB, total)
        return written in [store['bytes_written'] for store
                           in self.progress(image_id)['stores']]

    def all_uploading(
        self, image_id: str, stores: list[str]
    ) -> dict[str, Any] | None:
        answered = self.progress(image_id)
        states = api_base.states(answered)
        uploading = all(
            states.get(store) == 'uploading' for store in stores)
        return answered if uploading else None

    def test_copied_image_is_in_transit(self) -> None:
        image_id = self.put(base.data(12 * MiB))
        self.slow_ceph()
        self.assertNotIn(image_id, self.in_transit())
        self.start_copy(image_id, 'second', 'third')
        with self.stopped_once(image_id, 'second'):
            answered = self.progress(image_id)
            self.assertEqual(('active', 'copy'), tuple(
                answered[name] for name in ('status', 'phase')))
            # Always one after the other, as Glance copies.
            self.assertEqual(
                {'ceph': 'finished', 'second': 'uploading',
                 'third': 'waiting', STAGING: 'finished'},
                api_base.states(answered))
            for headers in (api_base.OWNER, api_base.ADMIN):
                self.wait_for(lambda: image_id in self.in_transit(headers))
            self.assertNotIn(
                image_id, self.in_transit(api_base.a_project()))
            # It is one of the pages, too.
            newer = self.stage()
            self.assertEqual(
                [newer, image_id], self.in_transit(query='?limit=2'))
            self.assertEqual(
                [image_id], self.in_transit(query='?limit=1&marker=' + newer))
        self.watch(image_id)
        self.wait_for(lambda: image_id not in self.in_transit())

    def import_that_fails_in_second(self, allow_failure: bool) -> str:
        image_id = self.stage(content=base.data(2 * MiB))
        conf = self.conf(store={'rbd_store_pool': services.SECOND_POOL})
        self.store(conf).add(image_id, io.BytesIO(b'x'), 1, 'md5')
        self.client.images.image_import(
            image_id, 'glance-direct', stores=['ceph', 'second'],
            allow_failure=allow_failure)
        return image_id

    def test_import_that_fails(self) -> None:
        image_id = self.import_that_fails_in_second(allow_failure=False)
        failed = self.wait_progress(image_id, phase='failed')
        self.assertLess(failed['percent'], 100)
        self.assertIn('already holds', api_base.by_store(
            failed)['second']['failure'])
        # Glance removes it from the other store again.
        self.wait_store(image_id, 'ceph', failure=reconcile.NOT_KEPT)

    def test_import_that_may_fail_in_one(self) -> None:
        image_id = self.import_that_fails_in_second(allow_failure=True)
        # It can be used, and the import has not come to all of its stores.
        partly = self.wait_progress(
            image_id, phase='failed', status='active')
        self.assertEqual(
            {'ceph': 'finished', 'second': 'failed', STAGING: 'finished'},
            api_base.states(partly))
        self.assertIn('already holds', api_base.by_store(
            partly)['second']['failure'])
        self.assertEqual('second', partly['last_failure']['store'])

    def test_download_that_fails(self) -> None:
        image_id = self.create()
        self.client.images.image_import(
            image_id, 'web-download', stores=['ceph'],
            uri='http://127.0.0.1:%d/image' % self.download_port)
        # The staging area says so first, and then Glance of the store.
        self.wait_store(image_id, 'ceph', failure=reasons.UNREACHABLE)
        self.assertEqual('failed', self.progress(image_id)['phase'])
        # The same image can be uploaded, which makes up for it.
        self.client.images.upload(image_id, io.BytesIO(b'abc'))
        done = self.wait_progress(image_id, phase='done')
        self.assertEqual('finished', api_base.states(done)['ceph'])

    def test_broken_staging(self) -> None:
        image_id = self.create()
        upload = self.upload(image_id, 4 * MiB, 'stage')
        upload.send(base.data(2 * MiB))
        self.wait_store(image_id, STAGING, bytes_written=2 * MiB)
        upload.abandon()
        failed = self.wait_progress(image_id, phase='failed')
        self.assertEqual('queued', failed['status'])
        self.assertIn('sender', api_base.by_store(failed)[STAGING]['failure'])


class DebianImportTest(CommonTests, api_base.ApiTestCase):
    """Zed as Debian 12 packages it: one store after the other."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-import-debian', kind=glance.DebianGlanceApi,
            venv=services.debian_venv(), workers=1, options=cls.filtering())
