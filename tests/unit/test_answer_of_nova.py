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

"""What is told of images that Nova makes of servers."""

import json

from glance_progress.answer import of_nova
from glance_progress.records import wire
from tests.unit import answer_base
from tests.unit import base

GiB = 2 ** 30

describe = answer_base.describe


def mapping(*devices):
    return {'block_device_mapping': json.dumps(devices), 'bdm_v2': 'True'}


class TestProperties(base.TestCase):

    def test_of_server(self):
        for expected, properties in (
            (True, {'image_type': 'snapshot', 'instance_uuid': 'a'}),
            (True, {'image_type': 'backup', 'instance_uuid': 'a'}),
            (False, {'image_type': 'snapshot'}),
            (False, {'image_type': 'base', 'instance_uuid': 'a'}),
            (False, {}),
        ):
            self.assertEqual(expected, of_nova.of_server(properties))

    def test_volume_snapshots(self):
        self.assertEqual(('a', 'b'), of_nova.volume_snapshots(mapping(
            {'snapshot_id': 'a', 'boot_index': 0},
            {'snapshot_id': None, 'destination_type': 'local'},
            {'snapshot_id': 'b'}, {'volume_id': 'c'})))

    def test_what_users_have_written(self):
        self.assertEqual((), of_nova.volume_snapshots({}))
        for text in ('', 'x', '{}', '1', 'null', '[' * 60000, '[[]]',
                     '[{"snapshot_id": ["a"]}]', '[{"snapshot_id": ""}]',
                     '[{"snapshot_id": 5}]', None, 5):
            self.assertEqual((), of_nova.volume_snapshots(
                {'block_device_mapping': text}))


class TestVolumeSnapshots(base.TestCase):

    def described(self, status='active', size=0, ids=('a', 'b')):
        return describe(answer_base.of_server(
            status, size=size, volume_snapshots=ids,
            of_server=False))['volume_snapshots']

    def test_no_data(self):
        self.assertEqual(['a', 'b'], self.described())

    def test_data(self):
        """An image may have volume snapshots beside data of its own."""
        self.assertIsNone(self.described(size=5))
        self.assertIsNone(self.described('queued', size=None))
        self.assertIsNone(self.described(ids=()))


class TestExpected(base.TestCase):

    def expected(self, written=250, total=None, state=wire.UPLOADING,
                 status='saving', **image):
        answered = describe(
            answer_base.of_server(status, **{
                'disk_format': 'raw', 'min_disk': 20, **image}),
            answer_base.a_record(
                state=state, bytes_written=written, total_bytes=total))
        store, = answered['stores']
        # It is no total.
        self.assertEqual(total, store['total_bytes'])
        if total is None:
            self.assertEqual((None, None, None), (
                answered['percent'], store['percent'], store['eta']))
        return store['expected_bytes']

    def test_raw(self):
        self.assertEqual(20 * GiB, self.expected())
        self.assertEqual(20 * GiB, self.expected(written=20 * GiB))
        self.assertEqual(GiB, self.expected(min_disk=1))

    def test_not_known(self):
        self.assertIsNone(self.expected(disk_format='qcow2'))
        self.assertIsNone(self.expected(disk_format=None))
        self.assertIsNone(self.expected(min_disk=0))
        # min_disk of other images says what they need.
        self.assertIsNone(self.expected(of_server=False))

    def test_known_better(self):
        self.assertIsNone(self.expected(total=1000))
        self.assertIsNone(self.expected(size=1000, total=1000))
        self.assertIsNone(self.expected(written=20 * GiB + 1))

    def test_nothing_comes(self):
        self.assertIsNone(self.expected(
            state=wire.FAILED, status='queued'))
        self.assertIsNone(self.expected(
            state=wire.FINISHED, status='active', stores=frozenset('a'),
            size=250, total=250))
