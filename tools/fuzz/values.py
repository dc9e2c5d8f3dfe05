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

"""What the cases of all targets are made of."""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import json
from typing import Any

from hypothesis import strategies as st

from glance_progress.records import wire

IMAGE = 'b5b57dab-8015-4b66-824d-ecc9ca0c37d4'

#: Numbers that are at a border of something, and others.
NUMBERS = st.one_of(
    st.sampled_from([0, 1, -1, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 10**40,
                     0.0, -0.0, 1e-320, 1e308]),
    st.integers(), st.floats())

#: Texts, with what is not to be in one, and with what means something.
TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(['', '\0', '\r\n', '%', '%00', '..', '/', '\\', "'", '"',
                     '{}', '%s', '\ud800', 'NaN', 'Infinity', 'x' * 5000]))

_LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)

#: What JSON can say, and a little of what Python's parser takes beyond it.
JSON = st.recursive(
    _LEAVES, lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(TEXTS, inner, max_size=4)), max_leaves=8)

_FIELDS = ['version', 'hmac', 'unknown', *(
    field.name for field in dataclasses.fields(wire.Record))]

_STATES = st.sampled_from(wire.STATES)


def a_record(
    image_id: str, store: str, changes: Mapping[str, Any] = {}
) -> dict[str, Any]:
    """Return the fields of a record that is as it should be, but for some."""
    return {'version': wire.VERSION, 'image_id': image_id, 'store': store,
            'state': wire.UPLOADING, 'bytes_written': 5, 'total_bytes': 10,
            'started_at': 1.7e9, 'updated_at': 1.7e9 + 5,
            'sequence': 17 * 10 ** 17, 'request_id': 'req-1', 'host': None,
            'failure': None, 'rate': None, 'left_in': None, **changes}


#: Fields of records that nobody has written so.
CHANGES = st.dictionaries(
    st.sampled_from(_FIELDS), st.one_of(JSON, _STATES), max_size=4)

#: Bytes that are no JSON, and JSON that is no record.
GARBAGE = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([b'[' * 4096, b'{"a":' * 800, b'9' * 4096, b'"' * 9,
                     b'\xff' * 4096, b'x' * 100000, b'1e999', b'-']),
    JSON.map(lambda value: json.dumps(value).encode()))
