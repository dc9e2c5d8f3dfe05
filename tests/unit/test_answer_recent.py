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
import datetime
import types

from glance_progress.answer import database
from glance_progress.answer import recent
from glance_progress.records import wire
from tests.unit import base

UPLOADS = frozenset([('ceph', 1, 'uploading', None)])


def a_context(is_admin=False, **values):
    return types.SimpleNamespace(
        is_admin=is_admin, to_policy_values=lambda: {
            'user_id': 'u', 'project_id': 'demo', 'roles': ['member'],
            **values})


class TestCaller(base.TestCase):

    def test_whoever_may_see_else(self):
        callers = {recent.caller(each) for each in (
            a_context(), a_context(is_admin=True), a_context(user_id='v'),
            a_context(project_id='other'), a_context(roles=['reader']),
            a_context(system_scope='all'))}
        self.assertEqual(6, len(callers))

    def test_the_same(self):
        self.assertEqual(
            recent.caller(a_context()), recent.caller(a_context()))
        # in whatever order Glance says it, and however that may be written
        now = datetime.datetime(2026, 1, 1)
        self.assertEqual(
            recent.caller(a_context(a=1, z=now)),
            recent.caller(a_context(z=now, a=1)))


class TestUploads(base.TestCase):

    def setUp(self):
        super().setUp()
        clock = self.useFixture(base.Clock('glance_progress.answer.recent'))
        clock.now = 1010

    def test_moves(self):
        for moves, fields in (
            (True, {'updated_at': 1009.0}), (False, {'updated_at': 1004.0}),
            (True, {'updated_at': 1005.1}), (False, {'updated_at': 1005.0}),
            (False, {'updated_at': 1009.0, 'state': wire.FINISHED}),
            (False, {'updated_at': 1009.0, 'state': wire.FAILED}),
        ):
            self.assertEqual(moves, recent.uploads(
                [base.a_record(**fields)]) is not None)
        self.assertIsNone(recent.uploads([]))

    def test_the_same(self):
        def uploads(*others, **fields):
            return recent.uploads([*others, base.a_record(**fields)])
        first = uploads()
        self.assertEqual(first, uploads(bytes_written=700, rate=3.0))
        ended = base.a_record(store='b', state=wire.FINISHED)
        for other in (uploads(ended), uploads(sequence=5),
                      uploads(phase='converting')):
            self.assertNotEqual(first, other)


class TestRecent(base.TestCase):

    def setUp(self):
        super().setUp()
        self.clock = self.useFixture(
            base.Clock('glance_progress.answer.recent'))
        self.recent = recent.Recent()

    def image(self, image_id=base.IMAGE):
        return database.Image(image_id, None, 'demo', 'saving', None)

    def test_for_two_seconds(self):
        self.recent.put('a', self.image(), UPLOADS)
        self.clock.now += 1.9
        shown = self.recent.get('a', base.IMAGE)
        self.assertEqual((self.image(), UPLOADS),
                         (shown.image, shown.uploads))
        self.assertTrue(shown.fresh)
        self.clock.now += 0.1
        self.assertFalse(self.recent.get('a', base.IMAGE).fresh)

    def test_reading_makes_it_no_younger(self):
        self.recent.put('a', self.image(), UPLOADS)
        for _ in range(4):
            self.clock.now += 0.5
            found = self.recent.get('a', base.IMAGE)
        self.assertFalse(found.fresh)

    def test_what_does_not_move_takes_its_place(self):
        self.recent.put('a', self.image(), UPLOADS)
        self.recent.put('a', self.image(), None)
        self.assertIsNone(self.recent.get('a', base.IMAGE))

    def test_of_another(self):
        self.recent.put('a', self.image(), UPLOADS)
        self.assertIsNone(self.recent.get('b', base.IMAGE))
        self.assertIsNone(self.recent.get('a', 'another'))

    def test_remembers_so_many(self):
        for n in range(1100):
            self.recent.put('a', self.image(str(n)), UPLOADS)
        self.assertIsNone(self.recent.get('a', '99'))
        self.assertIsNotNone(self.recent.get('a', '100'))
