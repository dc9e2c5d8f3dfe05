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

"""What the API says when memcached knows nothing, or what is not so."""

from __future__ import annotations

import re

from allinone import black_hole
from allinone.daemons import glance
from tests.functional import api_base
from tests.functional import base
from tests.unit import base as unit_base

MiB = base.MiB

ADMIN = api_base.ADMIN


class RecordsTest(api_base.ApiTestCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make('glance-records')

    def test_forgotten(self) -> None:
        image_id = self.create()
        upload = self.upload(image_id, 3 * MiB)
        upload.send(base.data(2 * MiB))
        self.wait_store(image_id, bytes_written=2 * MiB)
        self.forget(image_id)
        answer = self.progress(image_id)
        self.assertEqual(('database', 'upload', None, []), tuple(
            answer[name] for name in (
                'source', 'phase', 'percent', 'stores')))
        self.assertIn(image_id, self.in_transit())
        upload.send(base.data(MiB))
        self.assertEqual(204, upload.end())
        self.wait_store(image_id, state='finished')
        self.forget(image_id)
        for act, status in (('deactivate', 'deactivated'),
                            ('reactivate', 'active')):
            getattr(self.api.client(ADMIN).images, act)(image_id)
            # Others are not told where a deactivated image is.
            answer = self.progress(image_id, ADMIN)
            self.assertEqual(
                ('database', 'done', 100, 3 * MiB, status), tuple(
                    answer[name] for name in (
                        'source', 'phase', 'percent', 'size', 'status')))
            store, = answer['stores']
            self.assertEqual(
                ('ceph', 'finished', 3 * MiB, 3 * MiB), tuple(
                    store[name] for name in (
                        'store', 'state', 'bytes_written', 'total_bytes')))

    def test_planted(self) -> None:
        good = unit_base.a_record(image_id=self.create())
        other = unit_base.a_record()
        for value in (
            b'', b'\xff' * 100, b'[]', b'[' * 4096, b'{"version": 1}',
            good.to_json() + b' ' * 4096, good.to_json()[:-1],
            good.to_json().replace(b'"version":1', b'"version":2'),
            good.to_json().replace(b'250', b'-1'),
            good.to_json().replace(b'250', b'1e999'),
            other.to_json(),
        ):
            self.memcached().set(good.key, value, noreply=False)
            self.assertEqual(
                ('database', []), tuple(
                    self.progress(good.image_id)[name]
                    for name in ('source', 'stores')), value)
        log = self.api.log_path.read_text()
        self.assertEqual(1, len(re.findall('is no progress record', log)))
        self.assertNotIn('Traceback', log)
        self.memcached().set(good.key, good.to_json(), noreply=False)
        self.assertEqual(
            'memcached', self.progress(good.image_id)['source'])


class BlackHoleTest(api_base.ApiTestCase):
    """One memcached cannot be reached, and one accepts and is silent."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        cls.black_hole = black_hole.BlackHole()
        cls.silent = unit_base.Server(unit_base.silent)
        for server in (cls.black_hole, cls.silent):
            server.setUp()
        return api_base.make('glance-black-hole', section={
            'memcached_servers': '%s,%s' % (
                cls.black_hole.address, cls.silent.address)})

    @classmethod
    def tearDownClass(cls) -> None:
        super().tearDownClass()
        for server in (cls.black_hole, cls.silent):
            server.cleanUp()

    def test_answers(self) -> None:
        image_id = self.stage()
        for _ in range(40):
            answer = self.progress(image_id)
            self.assertEqual(('database', 'staged'), tuple(
                answer[name] for name in ('source', 'phase')))
            self.assertIn(image_id, self.in_transit())
        # While the breaker is open nobody waits for it.
        self.assertIn(self.silent.accepted, range(1, 20))
