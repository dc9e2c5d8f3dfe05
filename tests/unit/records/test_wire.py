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

import dataclasses
import json
import math
import time

import fixtures
import hypothesis
from hypothesis import strategies as st

from glance_progress.records import wire
from tests.unit import base

NUMBERS = st.integers(0, 2 ** 53 - 1)
SEQUENCES = st.integers(0, 2 ** 53 * 1000 - 1)
TIMES = st.floats(0, 2 ** 52)
# What a driver or a hostile neighbour may call things.
TEXTS = st.text(max_size=9)


@st.composite
def records(draw):
    total = draw(st.none() | NUMBERS)
    return wire.Record(
        image_id=draw(TEXTS), store=draw(TEXTS),
        state=draw(st.sampled_from(wire.STATES)),
        bytes_written=draw(NUMBERS if total is None
                           else st.integers(0, total)),
        total_bytes=total, started_at=draw(TIMES), updated_at=draw(TIMES),
        sequence=draw(SEQUENCES), request_id=draw(st.none() | TEXTS),
        host=draw(st.none() | TEXTS), failure=draw(st.none() | TEXTS))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5)


def encoded(**fields):
    """Return a record's JSON with some of its fields changed."""
    good = json.loads(base.a_record().to_json())
    return json.dumps({**good, **fields}).encode()


class TestJson(base.TestCase):

    @hypothesis.given(records())
    def test_round_trip(self, good):
        value = good.to_json()
        self.assertLessEqual(len(value), 4096)
        self.assertEqual(good, wire.Record.from_json(value))

    def test_fields(self):
        self.assertEqual(
            {'version': 1, 'image_id': base.IMAGE, 'store': 'ceph',
             'state': 'uploading', 'bytes_written': 250, 'total_bytes': 1000,
             'started_at': 1000.0, 'updated_at': 1010.0, 'sequence': 1,
             'request_id': None, 'host': None, 'failure': None, 'rate': None,
             'left_in': None},
            json.loads(base.a_record().to_json()))
        self.assertNotIn(b' ', base.a_record().to_json())

    @hypothesis.given(records(), TEXTS, TEXTS)
    def test_signed(self, good, secret, other):
        value = good.to_json([secret])
        for secrets in ([secret], [other, secret], []):
            self.assertEqual(good, wire.Record.from_json(value, secrets))
        if other != secret:
            self.assertRaises(wire.InvalidRecord,
                              wire.Record.from_json, value, [other])

    def test_not_signed_well(self):
        signed = json.loads(base.a_record().to_json(['secret']))
        for fields in (
            {**signed, 'bytes_written': 251}, {**signed, 'hmac': None},
            {**signed, 'hmac': '\xe4'}, {**signed, 'later': 1},
            json.loads(base.a_record().to_json()),
        ):
            self.assert_invalid(
                json.dumps(fields).encode(), 'it is signed with none of our'
                if isinstance(fields.get('hmac'), str) else 'it is not signed',
                ['secret'])

    def test_signature_stays_the_same(self):
        """Versions that share a memcached have to make the same one."""
        self.assertEqual(
            '19cd3a92368bcca7dc75d6a53e8393388d378869b69951d9ec8cde893a723169',
            json.loads(base.a_record().to_json(['secret']))['hmac'])

    def test_size_limit(self):
        room = 4096 - len(base.a_record(host='').to_json())
        longest = base.a_record(host='x' * room)
        self.assertEqual(4096, len(longest.to_json()))
        self.assertEqual(
            longest, wire.Record.from_json(longest.to_json()))
        self.assertRaises(wire.InvalidRecord,
                          base.a_record(host='x' * (room + 1)).to_json)
        self.assertRaises(wire.InvalidRecord, wire.Record.from_json,
                          longest.to_json() + b' ')

    def test_unknown_fields_are_ignored(self):
        self.assertEqual(
            base.a_record(), wire.Record.from_json(encoded(later=[1])))

    def assert_valid_or_invalid(self, value):
        try:
            found = wire.Record.from_json(value)
        except wire.InvalidRecord:
            return
        self.assertEqual(found, wire.Record.from_json(found.to_json()))
        self.assertTrue(found.key)
        json.dumps(found.describe(2000, 60), allow_nan=False)

    @hypothesis.given(st.binary(max_size=5000))
    def test_any_bytes(self, value):
        self.assert_valid_or_invalid(value)

    @hypothesis.given(JSON)
    def test_any_json(self, value):
        self.assert_valid_or_invalid(json.dumps(value).encode())

    @hypothesis.given(
        st.sampled_from(['version'] + [
            field.name for field in dataclasses.fields(wire.Record)]), JSON)
    def test_any_field(self, name, value):
        self.assert_valid_or_invalid(encoded(**{name: value}))

    def assert_invalid(self, value, reason, secrets=()):
        """It is no record, and the log says why."""
        exc = self.assertRaises(
            wire.InvalidRecord, wire.Record.from_json, value, secrets)
        self.assertTrue(str(exc).startswith(reason), (value, exc))

    def test_no_record(self):
        for reason, values in {
            'no JSON: ': (b'', b'\xff', b'[' * 4096, b'{"a":' * 800),
            'no JSON object': (b'null', b'[]', b'"text"', b'NaN'),
            'of another version than 1': (b'{}', b'{"version": 1e999}'),
            # Python takes that for the first argument.
            'Record.__init__() missing': (b'{"version":1}',),
            '4097 bytes are no record': (b' ' * 4097,),
        }.items():
            for value in values:
                self.assert_invalid(value, reason)
        self.assert_invalid(b'9' * 4096, 'no JSON')  # an object or not

    def test_clock_of_a_reader_does_not_travel(self):
        self.assertEqual(
            0.0, wire.Record.from_json(encoded(skew=1000.0)).skew)

    def test_whole_numbers(self):
        whole = {name: 1 for name in (
            'started_at', 'updated_at', 'rate', 'pace', 'position')}
        record = wire.Record.from_json(encoded(**whole))
        self.assertEqual(whole, {
            name: getattr(record, name) for name in whole})

    def test_wrong_fields(self):
        for name, wrong in {
            'version': (0, 2, None, '1', True, 1.0),
            'state': ('done', None, 1, [], {}),
            'image_id': (None, 1, []),
            'store': (None, 1, []),
            'host': (1, True, []),
            'request_id': (1, True, []),
            'failure': (1, True, []),
            'phase': (1, True, []),
            'worker': (1, True, []),
            'found_in': (1, True, []),
            'measured_by': (1, True, []),
            'position': (-0.1, 1.1, '1', True, math.nan),
            'pace': (-1, '1', True, math.nan, math.inf),
            'bytes_received': (-1, 1.0, '1', True, 2 ** 53),
            'bytes_written': (-1, 1.0, '1', None, True, 2 ** 53, 1001),
            'total_bytes': (-1, 1.0, '1', True, 2 ** 53, 249),
            'sequence': (-1, 1.0, '1', None, True, 2 ** 63,
                         10 ** 3000),
            'started_at': (-1, '1', None, True, math.nan, math.inf),
            'updated_at': (-1, '1', None, True, math.nan, math.inf, 2 ** 53),
        }.items():
            for value in wrong:
                self.assert_invalid(encoded(**{name: value}), {
                    'version': 'of another version', 'position': 'position '
                    'is no number' if value != 1.1 else 'a position behind',
                }.get(name, name if value not in (1001, 249)
                      else 'more written than there is'))


class TestDerived(base.TestCase):

    @hypothesis.given(records())
    def test_percent_is_100_only_when_finished(self, good):
        if good.state == wire.FINISHED:
            self.assertEqual(100.0, good.percent)
        elif good.total_bytes is None:
            self.assertIsNone(good.percent)
        else:
            self.assertTrue(0 <= good.percent <= 99.9)

    def test_percent(self):
        for written, total, percent in (
            (0, 1000, 0.0), (250, 1000, 25.0), (1, 3, 33.3), (2, 3, 66.6),
            (999, 1000, 99.9), (9999, 10000, 99.9), (1000, 1000, 99.9),
            (0, 0, 0.0),
        ):
            self.assertEqual(percent, base.a_record(
                bytes_written=written, total_bytes=total).percent)

    def test_rate(self):
        self.assertEqual(25.0, base.a_record().bytes_per_second(1010))
        self.assertIsNotNone(
            base.a_record(updated_at=1000.001).bytes_per_second(1000))
        for moment in (1000.0, 999.0):
            self.assertIsNone(
                base.a_record(updated_at=moment).bytes_per_second(1000))
        self.assertEqual(500_000.0, base.a_record(
            started_at=0.0, updated_at=0.0005).bytes_per_second(0))
        self.assertIsNone(base.a_record(  # and not infinite
            started_at=0.0, updated_at=5e-324).bytes_per_second(0))

    def test_rate_of_the_present(self):
        moves = base.a_record(rate=50.0)
        for now, rate in ((1010, 50.0), (1020, 50.0), (1020.1, None)):
            self.assertEqual(rate, moves.bytes_per_second(now))
        for state in (wire.FINISHED, wire.FAILED):
            self.assertEqual(25.0, base.a_record(
                rate=50.0, state=state).bytes_per_second(9999))
        self.assertEqual(
            15.0, base.a_record(rate=50.0).eta(1010, 60))
        self.assertIsNone(base.a_record(rate=0.0).eta(1010, 60))

    def test_skew(self):
        self.assertEqual(
            5.0, base.a_record(skew=-3600.0, updated_at=4610.0).age(1015))

    def test_age(self):
        self.assertEqual(5.0, base.a_record().age(1015))
        self.assertEqual(0.0, base.a_record().age(1010))

    def test_age_when_the_readers_clock_is_behind(self):
        self.assertEqual(0.0, base.a_record().age(900))
        self.assertFalse(base.a_record().stalled(900, 60))
        self.assertEqual(30.0, base.a_record().eta(900, 60))

    def test_stalled(self):
        self.assertFalse(base.a_record().stalled(1070, 60))
        self.assertTrue(base.a_record().stalled(1070.1, 60))
        for state in (wire.FINISHED, wire.FAILED):
            self.assertFalse(base.a_record(state=state).stalled(9999, 60))

    def test_eta(self):
        self.assertEqual(30.0, base.a_record().eta(1010, 60))
        self.assertEqual(20.0, base.a_record().eta(1020, 60))

    def test_eta_is_never_over(self):
        """Whoever should have ended, or stands still, has no ETA."""
        for now in (1015, 1020, 1030, 1050):
            self.assertIsNone(
                base.a_record(bytes_written=900).eta(now, 60))
        self.assertIsNone(base.a_record(bytes_written=1000).eta(1010, 60))

    def test_no_eta(self):
        for unknown in (
            base.a_record(total_bytes=None),
            base.a_record(bytes_written=0),
            base.a_record(updated_at=1000.0),
            base.a_record(state=wire.FAILED),
            base.a_record(state=wire.FINISHED),
        ):
            self.assertIsNone(unknown.eta(1010, 60))
        self.assertIsNone(base.a_record().eta(1070.1, 60))

    def test_order(self):
        first = base.a_record()
        self.assertLess(first.order, base.a_record(updated_at=1011.0).order)
        self.assertLess(base.a_record(updated_at=2000.0).order,
                        base.a_record(sequence=2).order)

    def test_describe(self):
        described = base.a_record(
            bytes_written=100, updated_at=1003.0).describe(1004.0006, 60)
        self.assertEqual(
            {'image_id': base.IMAGE, 'store': 'ceph', 'state': 'uploading',
             'bytes_written': 100, 'total_bytes': 1000, 'started_at': 1000.0,
             'updated_at': 1003.0, 'sequence': 1, 'request_id': None,
             'host': None, 'failure': None,
             'started_at_iso': '1970-01-01T00:16:40Z',
             'updated_at_iso': '1970-01-01T00:16:43Z', 'percent': 10.0,
             'bytes_per_second': 33.333, 'eta': 25.999, 'age': 1.001,
             'stalled': False, 'measured_by': None,
             'bytes_received': None}, described)

    def test_rare_fields_travel_where_they_are_set(self):
        record = base.a_record(
            phase='flattening', found_in='ceph', measured_by='object map',
            position=0.5, pace=0.01, worker='a/1/2/3', bytes_received=300)
        self.assertEqual(record, wire.Record.from_json(record.to_json()))
        for name in (b'pace', b'bytes_received'):
            self.assertIn(name, record.to_json())
            self.assertNotIn(name, base.a_record().to_json())

    def test_rate_while_bytes_come_and_none_is_written(self):
        record = base.a_record(rate=0.0, bytes_received=300)
        self.assertIsNone(record.bytes_per_second(1011))
        self.assertIsNone(record.eta(1011, 60))
        self.assertFalse(record.stalled(1011, 60))

    def test_by_position(self):
        record = base.a_record(total_bytes=None, position=0.4567, pace=0.01)
        self.assertEqual(45.6, record.percent)
        self.assertAlmostEqual(50.33, record.eta(1014, 60))
        self.assertAlmostEqual(44.33, record.eta(1020, 60))
        self.assertIsNone(record.eta(1021, 60))
        self.assertIsNone(base.a_record(
            total_bytes=None, position=0.5).eta(1014, 60))
        self.assertEqual(99.9, base.a_record(
            total_bytes=None, position=1).percent)

    def test_places_of_no_store_have_no_legacy_keys(self):
        for place in wire.PLACES:
            self.assertEqual({}, wire.legacy_values(
                base.a_record(store=place)))

    def test_describe_unknown(self):
        described = base.a_record(
            total_bytes=None, updated_at=1000.0).describe(1070, 60)
        self.assertEqual(
            (None, None, None, True),
            tuple(described[name] for name in (
                'percent', 'bytes_per_second', 'eta', 'stalled')))


class TestAnnouncedSize(base.TestCase):

    def test_size(self):
        for size, expected in (
                (1, 1), (2 ** 53 - 1, 2 ** 53 - 1),
                # Glance passes on 0 for a size that is not known.
                (0, None), (None, None), (-1, None), (2 ** 53, None)):
            self.assertEqual(expected, wire.announced_size(size))


class TestTimes(base.TestCase):

    def test_in_the_middle_of_nowhere(self):
        """The Image API's times are those of Greenwich."""
        self.useFixture(fixtures.EnvironmentVariable('TZ', 'Asia/Kathmandu'))
        self.addCleanup(time.tzset)
        time.tzset()
        self.assertEqual('1970-01-01T00:16:40Z', wire.iso(1000.0))


class TestKeys(base.TestCase):

    def test_documented(self):
        self.assertEqual('glance_progress:%s:ceph' % base.IMAGE,
                         base.a_record().key)
        self.assertEqual('glance_progress:a:fast_ssd-1.2~x+y@z',
                         wire.key('a', 'fast_ssd-1.2~x+y@z'))

    def assert_fit_for_memcached(self, key):
        self.assertLessEqual(len(key.encode('ascii')), 250)
        self.assertTrue(all(33 <= ord(c) < 127 for c in key), key)

    @hypothesis.given(st.text(), st.text())
    def test_any_names(self, image_id, store):
        self.assert_fit_for_memcached(wire.key(image_id, store))
        for key in wire.legacy_values(
                base.a_record(image_id=image_id, store=store)):
            self.assert_fit_for_memcached(key)

    @hypothesis.given(st.sets(st.tuples(
        st.text(max_size=4), st.text(max_size=4)), min_size=2))
    def test_distinct(self, places):
        self.assertEqual(
            len(places), len({wire.key(*place) for place in places}))

    def test_distinct_in_their_separators(self):
        self.assertNotEqual(wire.key('a:b', 'c'), wire.key('a', 'b:c'))

    def test_long_names(self):
        self.assertEqual('glance_progress:a:' + 'x' * 96,
                         wire.key('a', 'x' * 96))
        long = {wire.key('a', 'x' * 200 + end) for end in 'ab'}
        self.assertEqual(2, len(long))
        self.assertEqual(
            'glance_progress:a:sha256-19a8f07eeb7f3d0c0b7377e37d72eccde144cefe'
            'b44beac9c3227131a526688d', wire.key('a', 'x' * 97))
        for key in long:
            self.assert_fit_for_memcached(key)

    def test_name_that_is_no_text(self):
        # what os.fsdecode makes of a Latin-1 argument
        self.assert_fit_for_memcached(wire.key(base.IMAGE, 'k\udcf6ln'))


class TestLegacyValues(base.TestCase):

    def assert_values(self, total, written, **fields):
        self.assertEqual(
            {base.IMAGE + '_total_size': total,
             base.IMAGE + '_uploading_size': written},
            wire.legacy_values(base.a_record(**fields)))

    def test_uploading(self):
        self.assert_values(b'1000', b'250')

    def test_unknown_total(self):
        for state in wire.STATES:
            self.assert_values(b'1', b'0', state=state, total_bytes=None)

    def test_finished(self):
        self.assert_values(b'1000', b'1000', state=wire.FINISHED)

    def test_failed(self):
        self.assert_values(b'1000', b'250', state=wire.FAILED)

    def test_empty_image(self):
        self.assert_values(b'1', b'0', total_bytes=0, bytes_written=0)
        self.assert_values(b'1', b'1', total_bytes=0, bytes_written=0,
                           state=wire.FINISHED)

    @hypothesis.given(records())
    def test_division_is_never_an_error(self, good):
        total, written = map(int, wire.legacy_values(good).values())
        self.assertTrue(0 <= written / total <= 1)
