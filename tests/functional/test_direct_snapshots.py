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

"""Nova's direct snapshots through glance-api, from request to hash."""

from __future__ import annotations

import concurrent.futures
import re
import signal
from typing import Any
import uuid

import rbd

from allinone.daemons import glance
from tests.functional import api_base
from tests.functional import nova_snapshots
from tests.functional import services

MiB = nova_snapshots.MiB
OBJECT = nova_snapshots.OBJECT

SERVICE = glance.identity_headers('demo', 'admin', 'service')

#: How long it is until an image is looked for in Ceph, and to spare.
SOON = 30


class SnapshotTestCase(nova_snapshots.TestCase, api_base.ApiTestCase):
    """Has a glance-api, and does what Nova does."""

    user = services.CEPH_USER
    kind = 'rbd_progress'

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        services.ceph_of_nova()
        store = {'type': cls.kind, 'rbd_store_user': cls.user,
                 **api_base.glance_base.CHUNK}
        return api_base.make(
            'glance-' + cls.__name__, stores={
                'second': {**store, 'pool': services.SECOND_POOL},
                'ceph': {**store, 'pool': services.POOL}},
            options={'DEFAULT': {'debug': True}})

    def a_snapshot(self) -> str:
        """Make an image as Nova's API does for a snapshot."""
        return self.create(image_type='snapshot',
                           instance_uuid=str(uuid.uuid4()))

    def looks(self, image_id: str) -> int:
        """Return how often Ceph was looked at for an image."""
        return len(re.findall('A look at image ' + image_id,
                              self.api.log_tail(100000)))


class Tests:
    """What holds with any rights, and for both types of stores."""

    def test_a_snapshot(self: Any) -> None:
        image_id = self.a_snapshot()
        answer = self.wait_progress(image_id, SOON, phase='preparing')
        self.assertEqual(
            ('queued', None, 'ceph', []),
            (answer['status'], answer['percent'], answer['source'],
             answer['stores']))
        self.clone(self.disk(20, [*range(10), 15]), image_id)
        self.wait_progress(image_id, phase='flattening', percent=0)
        flattening = self.flatten(image_id)
        seen = []
        for objects in (4, 8, 17):
            flattening.go_to(objects)
            seen.append(self.wait_for(
                lambda: self.further(image_id, objects)))
        self.assert_measured(*seen)
        self.assertEqual(
            sorted(each['percent'] for each in seen),
            [each['percent'] for each in seen])
        store, = seen[-1]['stores']
        self.assertEqual(('ceph', 'uploading', False), (
            store['store'], store['state'], store['stalled']))
        flattening.finish()
        answer = self.wait_progress(image_id, phase='registering')
        self.assertEqual(('queued', 99.9, 11 * OBJECT), (
            answer['status'], answer['percent'],
            answer['stores'][0]['bytes_written']))
        self.register(image_id)
        answer = self.wait_progress(image_id, phase='done')
        store, = answer['stores']
        self.assertEqual(('active', 100, 'finished', 100, 20 * OBJECT), (
            answer['status'], answer['percent'], store['state'],
            store['percent'], store['bytes_written']))

    def further(self: Any, image_id: str, objects: int) -> Any:
        """Return the answer, if all objects up to there are in it."""
        answer = self.progress(image_id)
        store, = answer['stores']
        written = min(objects, 10) + (objects > 15)
        return answer if store['bytes_written'] >= written * OBJECT else None

    def register(self: Any, image_id: str) -> None:
        """Tell Glance where the image is, as Nova does since 32."""
        answer = self.request(
            'POST', '/v2/images/%s/locations' % image_id, SERVICE,
            json={'url': self.snap(image_id)})
        self.assertEqual(202, answer.status_code, answer.text)

    def assert_answers_without_ceph(self: Any) -> None:
        """Have Ceph stop in a flatten, and go on."""
        image_id = self.a_snapshot()
        self.clone(self.disk(20, list(range(20))), image_id)
        self.flatten(image_id).go_to(5)
        before = self.wait_progress(image_id, SOON, phase='flattening')
        osd = self.ceph.osd
        osd.send_signal(signal.SIGSTOP)
        try:
            self.wait_for(lambda: self.progress(image_id) and re.search(
                'A look at image %s .* no answer' % image_id,
                self.api.log_tail(100000)))
            looks = self.looks(image_id)
            for _ in range(20):
                answer = self.progress(image_id)
                self.assertEqual(before['phase'], answer['phase'])
            self.assertEqual(looks, self.looks(image_id))
        finally:
            osd.send_signal(signal.SIGCONT)
        self.assertEqual(1, self.api.log_tail(100000).count(
            'Ceph does not answer a look'))
        self.wait_for(lambda: self.progress(image_id) and (
            'Ceph answers looks' in self.api.log_tail(100000)))


class DocumentedRightsTest(Tests, SnapshotTestCase):
    """With the rights that Ceph's documentation gives to Glance."""

    def assert_measured(self, *seen: dict[str, Any]) -> None:
        for each in seen:
            store, = each['stores']
            self.assertEqual(('object map', None), (
                store['measured_by'], store['total_bytes']))
        # 17 of 20
        self.assertIn(seen[-1]['percent'], (80, 85, 90))

    def test_an_image_that_nobody_sends(self) -> None:
        image_id = self.create()
        self.wait_for(lambda: self.progress(image_id)[
            'phase'] == 'queued' and self.looks(image_id))
        answer = self.progress(image_id)
        self.assertEqual(('queued', 'database', []), (
            answer['phase'], answer['source'], answer['stores']))

    def test_an_image_that_is_uploaded_is_not_looked_for(self) -> None:
        image_id = self.a_snapshot()
        upload = self.upload(image_id, 4 * MiB)
        upload.send(b'x' * 2 * MiB)
        self.wait_store(image_id, 'second', bytes_written=2 * MiB)
        self.assertEqual('upload', self.progress(image_id)['phase'])
        upload.send(b'x' * 2 * MiB)
        self.assertEqual(204, upload.end())
        self.wait_progress(image_id, phase='done')
        self.assertEqual(0, self.looks(image_id))

    def test_many_watchers(self) -> None:
        image_id = self.a_snapshot()
        self.clone(self.disk(20, [1]), image_id)
        self.wait_progress(image_id, SOON, phase='flattening')
        before = self.looks(image_id)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(
                lambda _: self.progress(image_id), range(100)))
        self.assertEqual({'flattening'}, {
            each['phase'] for each in answers})
        # A look may be due at any time, but the key in memcached lasts for a
        # second at least.
        self.assertLess(self.looks(image_id) - before, 50)

    def test_ceph_does_not_answer(self) -> None:
        self.assert_answers_without_ceph()

    def test_hashing(self) -> None:
        limit = 'conf_rbd_qos_read_bps_limit'
        rbd.RBD().pool_metadata_set(self.images, limit, str(4 * MiB))
        self.addCleanup(rbd.RBD().pool_metadata_remove, self.images, limit)
        image_id = self.a_snapshot()
        self.clone(self.disk(40, [0]), image_id)
        self.flatten(image_id).finish()
        self.register(image_id)
        answer = self.wait_progress(image_id, phase='hashing')
        self.assertEqual('active', answer['status'])
        answer = self.wait_for(lambda: self.hashed(image_id))
        self.assertEqual(40 * MiB, answer['hashed']['total_bytes'])
        self.assertEqual(answer['hashed']['percent'], answer['percent'])
        self.assertIn(image_id, self.in_transit())
        store, = answer['stores']
        self.assertEqual(('finished', 100),
                         (store['state'], store['percent']))
        # What somebody else reads is no part of it.
        answer = self.wait_progress(image_id, phase='done', hashed=None)
        self.assertEqual(100, answer['percent'])

    def hashed(self, image_id: str) -> Any:
        answer = self.progress(image_id)
        hashed = answer['hashed']
        return answer if hashed and hashed['bytes_read'] else None


class ReadableDisksTest(Tests, SnapshotTestCase):
    """With the right to read the servers' disks, and the stock driver."""

    user = services.READER
    kind = 'rbd'

    def assert_measured(self, *seen: dict[str, Any]) -> None:
        for each in seen:
            store, = each['stores']
            self.assertEqual(('diff', 11 * OBJECT), (
                store['measured_by'], store['total_bytes']))
        self.assertEqual(99.9, seen[-1]['percent'])


class EventletTest(Tests, SnapshotTestCase):
    """Under eventlet, where a thread that waits holds all others up."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        services.ceph_of_nova()
        store = {'type': 'rbd_progress', **api_base.glance_base.CHUNK}
        return api_base.make(
            'glance-EventletTest', kind=glance.DebianGlanceApi,
            venv=services.debian_venv(), stores={
                'second': {**store, 'pool': services.SECOND_POOL},
                'ceph': {**store, 'pool': services.POOL}},
            options={'DEFAULT': {'debug': True, 'show_image_direct_url': True,
                                 'show_multiple_locations': True}})

    assert_measured = DocumentedRightsTest.assert_measured

    def register(self, image_id: str) -> None:
        """Tell Glance where the image is, as Nova did before 32."""
        self.client.images.add_location(image_id, self.snap(image_id), {})

    def test_others_do_not_wait_for_ceph(self) -> None:
        """While a look hangs, what needs no Ceph is answered."""
        image_id = self.a_snapshot()
        self.clone(self.disk(20, list(range(20))), image_id)
        self.wait_progress(image_id, SOON, phase='flattening')
        osd = self.ceph.osd
        osd.send_signal(signal.SIGSTOP)
        try:
            self.wait_for(lambda: self.progress(image_id) and re.search(
                'A look at image %s .* no answer' % image_id,
                self.api.log_tail(100000)))
        finally:
            osd.send_signal(signal.SIGCONT)
        # It is five seconds until librados gives up.
        look = self.api.log_tail(100000).rpartition(
            'Looking at image %s in Ceph' % image_id)[2].partition(
                'A look at image')[0]
        self.assertGreater(look.count('/progress HTTP/1.1"'), 2)
