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

"""Which fields an answer has, in which form, and for whom."""

import dataclasses
import json

import hypothesis
from hypothesis import strategies as st

from glance_progress.answer import shown
from glance_progress.records import wire
from tests.unit import answer_base
from tests.unit import base
from tests.unit.records import test_wire

NOW = answer_base.NOW
STALLED_AFTER = answer_base.STALLED_AFTER
STORES = answer_base.STORES
a_record = answer_base.a_record
an_image = answer_base.an_image
describe = answer_base.describe


class TestFields(base.TestCase):

    def test_image(self):
        answered = describe(an_image('saving'), a_record())
        self.assertEqual(
            {'image_id': base.IMAGE, 'name': 'cirros', 'owner': 'demo',
             'status': 'saving', 'phase': 'upload', 'size': None,
             'percent': 25.0, 'source': 'memcached',
             'last_failure': None, 'hashed': None, 'waiting_for': None,
             'waiting_since': None, 'waiting_since_iso': None,
             'import_lock': None, 'silent_since': None,
             'silent_since_iso': None, 'volume_snapshots': None},
            {name: answered[name] for name in answered if name != 'stores'})

    def test_store(self):
        record = a_record(request_id='req-1', sequence=2 ** 61 + 1)
        answered = describe(an_image('saving'), record, owner=True)
        expected = record.describe(NOW, STALLED_AFTER)
        del expected['image_id'], expected['host']
        expected['expected_bytes'] = None
        # JavaScript has no integers beyond 2 ** 53.
        expected['sequence'] = 2 ** 61 // 1000
        self.assertLess(expected['sequence'], 2 ** 53)
        self.assertEqual([expected], answered['stores'])

    def test_a_store_has_the_same_fields_without_record(self):
        known = describe(an_image('saving'), a_record())
        unknown = describe(an_image(stores='a', size=5))
        self.assertEqual(set(known['stores'][0]), set(unknown['stores'][0]))

    def test_host_is_for_admins(self):
        image = an_image('saving', targets='b', importing=True)
        record = a_record(host='controller-1')
        self.assertNotIn('controller-1', json.dumps(describe(image, record)))
        seen = describe(image, record, admin=True)['stores']
        self.assertEqual('controller-1', seen[0]['host'])

    def test_requests_are_for_owners_and_admins(self):
        records = (a_record(state=wire.FAILED, request_id='req-1'),
                   a_record('b', request_id='req-2'))
        image = an_image('queued')
        self.assertEqual([None, None], [
            each['request_id'] for each in describe(
                image, *records)['stores']])
        self.assertNotIn('req-', json.dumps(describe(image, *records)))
        for who in {'owner': True}, {'admin': True}:
            answered = describe(image, *records, **who)
            self.assertEqual(['req-1', 'req-2'], [
                each['request_id'] for each in answered['stores']])
            self.assertEqual(
                'req-1', answered['last_failure']['request_id'])

    def test_stores_are_sorted(self):
        answered = describe(
            an_image(stores='ca', targets='b', importing=True))
        self.assertEqual(
            ['a', 'b', 'c'], [each['store'] for each in answered['stores']])

    def test_stalled(self):
        for now, stalled in ((1070, False), (1071, True)):
            answered = describe(an_image('saving'), a_record(), now=now)
            self.assertEqual(stalled, answered['stores'][0]['stalled'])
            self.assertEqual('upload', answered['phase'])


class TestAnything(base.TestCase):

    @hypothesis.given(
        answer_base.images(), st.lists(test_wire.records(), max_size=4),
        test_wire.TIMES, st.booleans())
    def test_any(self, image, records, now, admin):
        records = {
            store: dataclasses.replace(
                record, image_id=base.IMAGE, store=store)
            for store, record in zip(STORES[::-1], records)}
        answered = shown.describe(
            image, records, now, STALLED_AFTER, admin)
        json.dumps(answered, allow_nan=False)
        percent = answered['percent']
        self.assertTrue(percent is None or 0 <= percent <= 100)
        self.assertEqual(answered['phase'] == 'done', percent == 100)
        for each in answered['stores']:
            percent = each['percent']
            self.assertTrue(percent is None or 0 <= percent <= 100)
            self.assertEqual(each['state'] == 'finished', percent == 100)
            self.assertEqual(admin and each['sequence'] is not None,
                             'host' in each)
        # Nothing else is left out than what has been removed, and failures
        # that an upload has come after, the last of which is told beside it.
        for store in set(records).difference(
                each['store'] for each in answered['stores']):
            if records[store].state != 'finished':
                self.assertEqual(('saving', 'failed'), (
                    image.status, records[store].state))
                self.assertIsNotNone(answered['last_failure'])
