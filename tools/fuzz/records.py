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

"""What memcached holds: records of images, and the protocol around them."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any

from hypothesis import strategies as st

from glance_progress.answer import database
from glance_progress.answer import shown
from glance_progress.records import memcached
from glance_progress.records import publisher
from glance_progress.records import reader
from glance_progress.records import wire
from tools.fuzz import feeding
from tools.fuzz import values

_STORES = ['ceph', wire.STAGING_STORE, wire.LOOKED, wire.HASHED]
_STATUSES = ['queued', 'saving', 'uploading', 'importing', 'active',
             'deleted', 'pending_delete', 'killed', 'deactivated', 'odd']


_SETS = st.frozensets(st.sampled_from(['ceph', 'second']))

# Of values.a_record(), and another one's
_REQUESTS = st.sampled_from([None, 'req-1', 'req-2'])

_LOCKS = st.builds(
    database.Lock, status=st.sampled_from([None, 'pending', 'processing']),
    since=st.sampled_from([None, 1.7e9]), updated_at=st.sampled_from(
        [None, 1.7e9]), locating=st.booleans(), request_id=_REQUESTS)

_IMAGES = st.builds(
    database.Image, image_id=st.just(values.IMAGE), name=st.none(),
    owner=st.just('demo'), status=st.sampled_from(_STATUSES),
    size=st.sampled_from([None, 0, 5, 2 ** 60]), stores=_SETS, targets=_SETS,
    failed=_SETS, importing=st.booleans(), of_server=st.booleans(),
    hashing=st.booleans(), created_at=st.sampled_from([None, 1.7e9]),
    changed_at=st.sampled_from([None, 1.7e9]), lock=st.none() | _LOCKS)


class _Planted:
    """Stands for memcached: holds what it is told under every key."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    def get_many(self, keys: Any) -> list[dict[str, bytes]]:
        return [dict(zip(sorted(keys), self.values))]


def records() -> feeding.Target:
    """Read records, answer with them, and place others after them."""
    planted = _Planted()
    looking = reader.Reader(planted)  # type: ignore[arg-type]
    sending = publisher.Publisher(
        planted, 1, 60, 60, _STORES)  # type: ignore[arg-type]

    def feed(case: tuple[list[Any], database.Image, float]) -> None:
        contents, image, now = case
        planted.values = [
            content if isinstance(content, bytes) else json.dumps(
                values.a_record(values.IMAGE, store, content)).encode()
            for store, content in zip(sorted(_STORES), contents)]
        found = looking.read([values.IMAGE], _STORES) or {}
        answer = shown.describe(
            image, {store: each for (_, store), each in found.items()},
            now, 60, admin=True, owner=True, silent_after=86400)
        json.dumps(answer, allow_nan=False).encode()
        if answer['percent'] is not None:
            assert 0 <= answer['percent'] <= 100, answer['percent']
        for each in found.values():
            sending._newest([each])

    return feeding.Target(st.tuples(
        st.lists(st.one_of(values.GARBAGE, values.CHANGES),
                 min_size=1, max_size=4),
        _IMAGES,
        st.sampled_from([0.0, 1.7e9 + 6, 1.8e9, 2.0 ** 52])), feed)


class _Server:
    """Is a memcached that answers everything with the same bytes."""

    def __init__(self) -> None:
        self.answer = b''
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.address = '%s:%d' % self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            peer, _ = self._listener.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(self.answer)


def protocol() -> feeding.Target:
    """Have a server that answers with what is no answer."""
    server = _Server()
    key = wire.key(values.IMAGE, 'ceph').encode()
    good = json.dumps(values.a_record(values.IMAGE, 'ceph')).encode()

    def feed(case: tuple[str, list[bytes]]) -> None:
        command, parts = case
        server.answer = b''.join(parts)
        # It has a client of its own: the next case is not to meet a breaker.
        client = memcached.Memcached([server.address], 0.1, 0.1)
        name = key.decode()
        if command == 'set':
            assert client.set_many({name: good}, 60) in ([], [name])
        elif command == 'add':
            assert client.add(name, good, 60) in (True, False, None)
        else:
            found = reader.Reader(client).read([values.IMAGE], ['ceph'])
            assert found is None or set(found) <= {(values.IMAGE, 'ceph')}
        for each in client.servers:
            each._client.close()

    return feeding.Target(st.tuples(
        st.sampled_from(['get', 'set', 'add']),
        st.lists(st.one_of(st.sampled_from(
            [b'VALUE ', key, b' ', b'0', b'-1', b'4096', b'%d' % len(good),
             b'99999999999', b'\r\n', b'\n', good, b'END\r\n', b'STORED\r\n',
             b'NOT_STORED\r\n', b'ERROR\r\n', b'SERVER_ERROR out of\r\n',
             b'CLIENT_ERROR bad\r\n', b'\0']), st.binary(max_size=20)),
            max_size=8)), feed)
