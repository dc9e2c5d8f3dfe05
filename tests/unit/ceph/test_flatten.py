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

from __future__ import annotations

import array

import fixtures
import hypothesis
from hypothesis import strategies
import testtools

from glance_progress.ceph import flatten
from glance_progress.ceph import look
from glance_progress.records import wire
from tests.unit import base

OBJECT = 8 * 2 ** 20


def seen(**fields):
    return look.Seen(**{
        'size': 100 * OBJECT, 'object_size': OBJECT, 'created_at': 1000.0,
        'overlap': 100 * OBJECT, 'existing': 0, 'reached': 0, **fields})


class FlattenTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.wall, self.monotonic = 1100.0, 50.0
        self.useFixture(fixtures.MonkeyPatch(
            'time.time', lambda: self.wall))
        self.useFixture(fixtures.MonkeyPatch(
            'time.monotonic', lambda: self.monotonic))
        self.flatten = flatten.Flatten(base.IMAGE)
        self.before = None

    def record(self, *args, after=0, **fields):
        """Return the record of a look *after* so many seconds."""
        self.wall += after
        self.monotonic += after
        self.before = self.flatten.record(
            *(args or (seen(**fields), 'ceph', None)), self.before)
        travelled = wire.Record.from_json(self.before.to_json())
        self.assertEqual(self.before, travelled)
        return travelled

    def test_nothing_there(self):
        record = self.record(None, None, None)
        self.assertEqual(
            ('preparing', None, None, 0, None, 0, 1100.0, 1100.0),
            (record.phase, record.found_in, record.measured_by,
             record.bytes_written, record.percent, record.sequence,
             record.started_at, record.updated_at))
        self.assertEqual(wire.LOOKED, record.store)
        record = self.record(None, None, None, after=30)
        self.assertEqual((1100.0, 1100.0),
                         (record.started_at, record.updated_at))

    def test_by_position(self):
        record = self.record(existing=10, reached=40)
        self.assertEqual(
            ('flattening', 'ceph', 'object map', 10 * OBJECT, None, 40.0),
            (record.phase, record.found_in, record.measured_by,
             record.bytes_written, record.total_bytes, record.percent))
        # 40 % in the 100 s since the clone was made
        self.assertEqual(150, record.eta(self.wall, 60))
        self.assertEqual(1000.0, record.started_at)

    def test_by_what_the_parent_gives(self):
        inherited = array.array('Q', [0, 1, 50, 99])
        record = self.record(
            seen(existing=2, reached=2), 'ceph', inherited)
        self.assertEqual(
            ('diff', 2 * OBJECT, 4 * OBJECT, 50.0, None),
            (record.measured_by, record.bytes_written, record.total_bytes,
             record.percent, record.position))

    def test_objects_of_zeros_are_behind(self):
        # They are read, and not written.
        record = self.record(seen(existing=2, reached=91), 'ceph',
                             array.array('Q', range(100)))
        self.assertEqual(91 * OBJECT, record.bytes_written)

    def test_without_an_object_map(self):
        record = self.record(existing=10, reached=40, quick=False)
        self.assertEqual('diff', record.measured_by)

    def test_nobody_may_know(self):
        record = self.record(existing=None, reached=None, quick=False)
        self.assertEqual(
            ('flattening', None, None, None),
            (record.phase, record.measured_by, record.percent,
             record.eta(self.wall, 60)))

    def test_flattened(self):
        record = self.record(overlap=None, existing=7, reached=90)
        self.assertEqual(
            ('registering', 7 * OBJECT, 7 * OBJECT, 99.9),
            (record.phase, record.bytes_written, record.total_bytes,
             record.percent))

    def test_clone_that_is_being_made(self):
        self.record(None, None, None)
        for after, overlap, phase in (
                (1, None, 'preparing'), (1, 100 * OBJECT, 'flattening'),
                (1, None, 'registering')):
            record = self.record(
                after=after, overlap=overlap, created_at=1100.5)
            self.assertEqual(phase, record.phase)
            self.assertEqual('preparing' == phase, record.found_in is None)
        # Nothing was to be copied, and nobody has seen it.
        self.before = None
        self.assertEqual('registering', self.record(
            after=8, overlap=None, created_at=1100.5).phase)

    def test_nothing_to_be_copied(self):
        record = self.record(overlap=0)
        self.assertEqual((0, 99.9), (record.bytes_written, record.percent))

    def test_last_object_is_smaller(self):
        record = self.record(
            seen(size=OBJECT + 5, overlap=OBJECT + 5, existing=2, reached=2),
            'ceph', array.array('Q', [0, 1]))
        self.assertEqual((OBJECT + 5, 99.9),
                         (record.bytes_written, record.percent))

    def test_rate_and_pace_of_the_last_seconds(self):
        self.record(existing=10, reached=10)
        record = self.record(existing=14, reached=20, after=2)
        self.assertEqual(2 * OBJECT, record.rate)
        self.assertEqual(0.05, record.pace)
        self.assertEqual(16, record.eta(self.wall, 60))
        for _ in range(20):
            record = self.record(existing=14, reached=20, after=1)
        self.assertEqual((0, 0), (record.rate, record.pace))
        self.assertIsNone(record.eta(self.wall, 60))

    def test_stalled(self):
        self.record(existing=10, reached=10)
        record = self.record(existing=10, reached=10, after=59)
        self.assertEqual(1100.0, record.updated_at)
        self.assertFalse(record.stalled(self.wall, 60))
        record = self.record(existing=10, reached=10, after=2)
        self.assertTrue(record.stalled(self.wall, 60))
        record = self.record(existing=11, reached=11, after=1)
        self.assertFalse(record.stalled(self.wall, 60))

    def test_another_host_has_looked_before(self):
        self.record(existing=10, reached=10)
        self.flatten = flatten.Flatten(base.IMAGE)
        record = self.record(existing=10, reached=10, after=70)
        self.assertTrue(record.stalled(self.wall, 60))

    def test_another_clone_of_the_name(self):
        self.record(existing=50, reached=50)
        record = self.record(existing=1, reached=1, created_at=1101.0,
                             after=10)
        self.assertEqual(OBJECT, record.bytes_written)
        self.assertGreaterEqual(record.rate, 0)
        self.assertGreater(record.sequence, 1000 * 10 ** 9)

    def test_clock_of_nova_is_ahead(self):
        record = self.record(existing=1, reached=1, created_at=5000.0)
        self.assertEqual(self.wall, record.started_at)

    def test_ceph_does_not_say_when_it_was_made(self):
        first = self.record(existing=1, reached=1, created_at=None)
        record = self.record(existing=2, reached=2, created_at=None, after=5)
        self.assertEqual((first.started_at, first.sequence),
                         (record.started_at, record.sequence))

    @hypothesis.given(strategies.lists(
        strategies.tuples(strategies.integers(0, 100),
                          strategies.integers(0, 100),
                          strategies.floats(0, 100)), max_size=10))
    def test_every_record_travels(self, looks):
        self.flatten, self.before = flatten.Flatten(base.IMAGE), None
        for existing, reached, after in looks:
            record = self.record(
                existing=min(existing, reached), reached=reached, after=after)
            self.assertLess(len(record.to_json()), 600)
