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

from glance_progress.osc import life
from glance_progress.records import wire
from tests.unit import base
from tests.unit import image_api


class TestLife(base.TestCase):

    def setUp(self):
        super().setUp()
        self.clock = self.useFixture(base.Clock('glance_progress.osc.life'))
        self.life = life.Life()

    def states(self, *snapshots):
        for snapshot in snapshots:
            text = self.life.update(snapshot)
            self.clock.now += 5
        return text

    def test_upload(self):
        queued, saving, active = map(
            image_api.a_snapshot, ('queued', 'saving', 'active'))
        self.assertEqual('queued, waiting for data', self.states(queued))
        self.assertEqual('queued, waiting for data', self.states(queued))
        self.assertEqual('queued at least 00:10 -> saving',
                         self.states(saving))
        self.assertEqual(
            'queued at least 00:10 -> saving 00:15 -> active',
            self.states(saving, saving, active))

    def test_import(self):
        self.assertEqual(
            'queued at least 00:05 -> uploading 00:05 -> importing 00:10'
            ' -> active', self.states(
                *map(image_api.a_snapshot, ('queued', 'uploading')),
                *[image_api.a_snapshot('importing', importing=True)] * 2,
                image_api.a_snapshot('active')))

    def test_copy(self):
        self.assertEqual(
            'active (copying) at least 00:05 -> active', self.states(
                image_api.a_snapshot(
                    'active', importing=True, targets=frozenset('b')),
                image_api.a_snapshot('active')))

    def test_hash(self):
        self.assertEqual(
            'active (hashing) at least 00:05 -> active', self.states(
                image_api.a_snapshot('active', importing=True, hashing=True),
                image_api.a_snapshot('active')))

    def test_what_has_begun_before(self):
        # 10 s until it last moved, 20 s since; b is of an earlier attempt
        before = image_api.a_snapshot(now=1030, records=[
            base.a_record(), base.a_record(store='b', started_at=1001.0),
            base.a_record(store='c', state=wire.FAILED, started_at=1.0)])
        self.assertEqual('saving at least 00:35 -> active', self.states(
            before, image_api.a_snapshot('active')))
