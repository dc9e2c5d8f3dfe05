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
"""JSON schemas of what the Image API answers.

In the words of draft 4, which is the one that Tempest validates with: it
ignores those of later drafts.
"""

from __future__ import annotations

from typing import Any

_ID = {'type': 'string', 'format': 'uuid'}
_TEXT = {'type': ['string', 'null']}
_BYTES = {'type': 'integer', 'minimum': 0}
_NUMBER = {'type': ['number', 'null'], 'minimum': 0}
_PERCENT = {**_NUMBER, 'maximum': 100}


def _object(
    properties: dict[str, Any], *optional: str
) -> dict[str, Any]:
    return {
        'type': 'object',
        'properties': properties,
        'required': sorted(properties.keys() - set(optional)),
        'additionalProperties': False,
    }


_NO_STORE = {'response_header': {
    'type': 'object',
    'properties': {'cache-control': {'enum': ['no-store']}},
    'required': ['cache-control'],
}}

_STORE = _object({
    'store': {'type': 'string', 'minLength': 1},
    'state': {'enum': ['uploading', 'finished', 'failed', 'waiting']},
    'bytes_written': _BYTES,
    'total_bytes': {**_BYTES, 'type': ['integer', 'null']},
    'started_at': _NUMBER,
    'started_at_iso': _TEXT,
    'updated_at': _NUMBER,
    'updated_at_iso': _TEXT,
    # What the numbers of JavaScript hold.
    'sequence': {'type': ['integer', 'null'], 'minimum': 0,
                 'maximum': 2 ** 53},
    'request_id': _TEXT,
    'failure': _TEXT,
    'percent': _PERCENT,
    'bytes_per_second': _NUMBER,
    'eta': _NUMBER,
    'age': _NUMBER,
    'stalled': {'type': 'boolean'},
    'measured_by': {'enum': ['object map', 'diff', None]},
    'bytes_received': {**_BYTES, 'type': ['integer', 'null']},
    'expected_bytes': {**_BYTES, 'type': ['integer', 'null']},
    'host': _TEXT,  # for administrators
}, 'host')

IMAGE = _object({
    'image_id': _ID,
    'name': _TEXT,
    'owner': _TEXT,
    'status': {'type': 'string'},
    'phase': {'enum': ['queued', 'upload', 'staging', 'staged', 'import',
                       'copy', 'done', 'failed', 'preparing',
                       'flattening', 'registering', 'hashing',
                       'decompressing', 'converting', 'verifying',
                       'unknown']},
    'size': {**_BYTES, 'type': ['integer', 'null']},
    'percent': _PERCENT,
    'source': {'enum': ['memcached', 'database', 'ceph']},
    'stores': {'type': 'array', 'items': _STORE},
    'last_failure': {'anyOf': [{'type': 'null'}, _object({
        'store': {'type': 'string', 'minLength': 1},
        'failure': _TEXT,
        'updated_at': _NUMBER,
        'updated_at_iso': _TEXT,
        'request_id': _TEXT,
    })]},
    'hashed': {'anyOf': [{'type': 'null'}, _object({
        'bytes_read': _BYTES,
        'total_bytes': {**_BYTES, 'type': ['integer', 'null']},
        'percent': _PERCENT,
        'bytes_per_second': _NUMBER,
        'eta': _NUMBER,
        'age': _NUMBER,
        'stalled': {'type': 'boolean'},
    })]},
    'waiting_for': {'enum': ['data', 'source', 'import', 'worker', None]},
    'waiting_since': _NUMBER,
    'waiting_since_iso': _TEXT,
    'import_lock': {'anyOf': [{'type': 'null'}, _object({
        'since': _NUMBER,
        'since_iso': _TEXT,
        'last_sign_of_life': _NUMBER,
        'last_sign_of_life_iso': _TEXT,
        'worker_gone': {'type': ['boolean', 'null']},
        'free_at': _NUMBER,
        'free_at_iso': _TEXT,
    })]},
    'silent_since': _NUMBER,
    'silent_since_iso': _TEXT,
    'volume_snapshots': {'type': ['array', 'null'],
                         'items': {'type': 'string'}},
})

SHOW = {'status_code': [200], 'response_body': IMAGE, **_NO_STORE}

LIST = {
    'status_code': [200],
    'response_body': _object({
        'version': {'type': 'string'},
        'images': {'type': 'array', 'items': IMAGE},
        'memcached': {
            'type': ['object', 'null'],
            'properties': {'servers': {'type': 'integer', 'minimum': 0},
                           'answering': {'type': 'integer', 'minimum': 0}},
            'required': ['servers', 'answering'],
            'additionalProperties': False,
        },
        'first': {'type': 'string'},
        'next': {'type': 'string'},
    }, 'next'),
    **_NO_STORE,
}

# Glance's own, of which each type has properties of its own.
STORES_DETAIL = {
    'status_code': [200],
    'response_body': {
        'type': 'object',
        'properties': {'stores': {'type': 'array', 'items': {
            'type': 'object',
            'properties': {
                'id': {'type': 'string'},
                'type': {'type': 'string'},
                'properties': {'type': 'object'},
            },
            'required': ['id', 'type', 'properties'],
        }}},
        'required': ['stores'],
    },
}
