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

"""What the tests of answers share: images, records, and what is asserted."""

from hypothesis import strategies as st

from glance_progress.answer import database
from glance_progress.answer import shown
from glance_progress.records import wire
from tests.unit import base
from tests.unit.records import test_wire

NOW = 1011.0  # a second after base.a_record()
LATER = NOW + 30
STALLED_AFTER = 60

#: Of the request whose import is at work
REQUEST = 'req-import'
LOCK = database.Lock('processing', 1000.0, 1000.0, request_id=REQUEST)

STORES = ('a', 'b', 'c', wire.STAGING_STORE)
SETS = st.frozensets(st.sampled_from(STORES[:3]))
STATUSES = ('queued', 'saving', 'uploading', 'importing', 'active', 'killed',
            'deactivated', 'deleted', 'pending_delete')


def an_image(status='active', size=None, stores='', targets='', failed='',
             importing=False, lock=None):
    if importing and lock is None:
        lock = LOCK
    return database.Image(
        image_id=base.IMAGE, name='cirros', owner='demo', status=status,
        size=size, stores=frozenset(stores), targets=frozenset(targets),
        failed=frozenset(failed), importing=importing, lock=lock)


def of_server(status='queued', **fields):
    return database.Image(**{
        'image_id': base.IMAGE, 'name': 'cirros', 'owner': 'demo',
        'status': status, 'size': None, 'of_server': True, **fields})


def a_record(store='a', **fields):
    return base.a_record(store=store, **fields)


def finished(store='a', size=1000, **fields):
    return a_record(store, state=wire.FINISHED, bytes_written=size,
                    total_bytes=size, **fields)


def staged(**fields):
    return finished(wire.STAGING_STORE, **{'sequence': 0, **fields})


def describe(image, *records, now=NOW, **kwargs):
    return shown.describe(
        image, {record.store: record for record in records}, now,
        STALLED_AFTER, **kwargs)


@st.composite
def images(draw):
    return database.Image(
        image_id=base.IMAGE, name=draw(st.none() | st.text(max_size=3)),
        owner=draw(st.none() | st.just('demo')),
        status=draw(st.sampled_from(STATUSES)),
        size=draw(st.none() | test_wire.NUMBERS), stores=draw(SETS),
        targets=draw(SETS), failed=draw(SETS), importing=draw(st.booleans()),
        lock=draw(st.none() | st.builds(
            database.Lock, st.just('processing'), locating=st.booleans(),
            request_id=st.none() | st.just(REQUEST))))


class TestCase(base.TestCase):

    def assert_phase(self, phase, percent, answered):
        self.assertEqual(
            (phase, percent), (answered['phase'], answered['percent']))

    def assert_states(self, expected, answered):
        self.assertEqual(
            expected,
            {each['store']: each['state'] for each in answered['stores']})

    def assert_failure(self, expected, store, answered):
        each, = (each for each in answered['stores']
                 if each['store'] == store)
        self.assertEqual(wire.FAILED, each['state'])
        self.assertEqual(expected, each['failure'])
        self.assertLess(each['percent'] or 0, 100)
