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

"""Who looks at Ceph, how often, and what comes of a Ceph that is not there."""

from __future__ import annotations

import concurrent.futures
import signal
import time
from typing import Any

from glance_progress.ceph import look
from glance_progress.ceph import lookout
from glance_progress.ceph import places
from glance_progress.records import memcached
from glance_progress.records import reader
from glance_progress.records import wire
from tests.functional import nova_snapshots
from tests.functional import services

OBJECT = nova_snapshots.OBJECT


class LookoutTest(nova_snapshots.TestCase):

    def setUp(self) -> None:
        super().setUp()
        self.looks: list[str] = []
        self.addCleanup(setattr, look, 'look', look.look)
        original = look.look

        def counted(ioctx: Any, name: str) -> Any:
            self.looks.append(name)
            return original(ioctx, name)

        look.look = counted

    def lookout(
        self, user: str = services.READER, interval: float = 0.1,
        pools: list[str] | None = None, servers: str | None = None,
        conf: Any = None,
    ) -> lookout.Lookout:
        """Return what another process would have."""
        client = memcached.Memcached(
            [servers or services.memcached().address], 0.3, 0.5)
        return lookout.Lookout(
            client, reader.Reader(client), [
                places.Place(pool, pool, user,
                             str(conf or self.ceph.client_conf))
                for pool in pools or [services.SECOND_POOL, services.POOL]],
            interval=interval, record_ttl=600)

    def snapshot(self, features: int = nova_snapshots.QUICK) -> str:
        image_id = self.image_id()
        self.clone(self.disk(10, [0, 1, 2, 8]), image_id, features)
        return image_id

    def unlock(self, image_id: str) -> None:
        """Let everybody look at once, and not only after a while."""
        memcached.Memcached([services.memcached().address], 1, 1).set_many(
            {wire.key(image_id, lookout._LOCK): b''}, -1)

    def held(self, image_id: str) -> wire.Record | None:
        """Return what memcached holds of an image, as the API reads it."""
        client = memcached.Memcached([services.memcached().address], 1, 1)
        found = reader.Reader(client).read([image_id], [wire.LOOKED])
        return (found or {}).get((image_id, wire.LOOKED))

    def wait_record(self, out: lookout.Lookout, image_id: str,
                    **fields: Any) -> wire.Record:
        def matches() -> wire.Record | None:
            record = out.ask(image_id)
            return record if record is not None and all(
                getattr(record, name) == value
                for name, value in fields.items()) else None
        return self.wait_for(matches)

    def test_a_snapshot(self) -> None:
        image_id, out = self.image_id(), self.lookout()
        self.wait_record(out, image_id, phase='preparing', found_in=None)
        self.clone(self.disk(10, [0, 1, 2, 8]), image_id)
        record = self.wait_record(out, image_id, phase='flattening')
        self.assertEqual(
            (services.POOL, 'diff', 0, 4 * OBJECT),
            (record.found_in, record.measured_by, record.bytes_written,
             record.total_bytes))
        flattening = self.flatten(image_id)
        flattening.go_to(5)
        record = self.wait_record(out, image_id, bytes_written=3 * OBJECT)
        self.assertEqual(75, record.percent)
        flattening.finish()
        record = self.wait_record(out, image_id, phase='registering')
        self.assertEqual((4 * OBJECT, 99.9),
                         (record.bytes_written, record.percent))

    def test_with_the_rights_of_the_documentation(self) -> None:
        image_id, out = self.snapshot(), self.lookout(services.CEPH_USER)
        flattening = self.flatten(image_id)
        flattening.go_to(6)
        record = self.wait_record(out, image_id, phase='flattening')
        self.assertEqual(
            ('object map', 3 * OBJECT, None, 30.0),
            (record.measured_by, record.bytes_written, record.total_bytes,
             record.percent))

    def test_others_find_it_in_memcached(self) -> None:
        image_id, out = self.snapshot(), self.lookout()
        self.wait_for(lambda: (record := out.ask(image_id)) is not None
                      and record == self.held(image_id))

    def test_many_processes_look_once(self) -> None:
        image_id = self.snapshot()
        outs = [self.lookout(interval=30) for _ in range(10)]
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            list(pool.map(
                lambda number: outs[number % 10].ask(image_id), range(200)))
        # Whoever came too late to look is told what the one has seen.
        for out in outs:
            found = self.wait_for(
                lambda: out.ask(image_id, self.held(image_id)))
            self.assertEqual(('flattening', services.POOL),
                             (found.phase, found.found_in))
        self.assertEqual(2, len(self.looks), 'one in each pool')

    def test_once_an_interval(self) -> None:
        image_id, out = self.snapshot(), self.lookout(interval=5)
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            out.ask(image_id)
            time.sleep(0.02)
        self.assertEqual(2, len(self.looks))
        self.wait_for(lambda: out.ask(image_id) and len(self.looks) > 2)
        # It is known by now where it is.
        self.assertEqual(3, len(self.looks))

    def test_seldom_without_an_object_map(self) -> None:
        image_id = self.snapshot(nova_snapshots.PLAIN)
        out = self.lookout(interval=5)
        self.wait_record(out, image_id, measured_by='diff')
        image = out._images[image_id]
        self.assertGreater(image.due_at - time.monotonic(), 40)

    def test_without_memcached(self) -> None:
        image_id = self.snapshot()
        out = self.lookout(servers='127.0.0.1:1', interval=30)
        self.wait_record(out, image_id, phase='flattening')
        for _ in range(10):
            out.ask(image_id)
        self.assertEqual(2, len(self.looks))

    def test_ceph_does_not_answer(self) -> None:
        image_id, out = self.snapshot(), self.lookout(pools=[services.POOL])
        flattening = self.flatten(image_id)
        flattening.go_to(5)
        record = self.wait_record(out, image_id, bytes_written=3 * OBJECT)
        self.wait_for(
            lambda: time.monotonic() > out._images[image_id].due_at)
        self.unlock(image_id)
        osd = self.ceph.osd
        osd.send_signal(signal.SIGSTOP)
        try:
            looks = len(self.looks)
            self.assertEqual(record, out.ask(image_id))
            # It was not waited for to its end.
            self.assertIn(image_id, out._asked)
            self.wait_for(lambda: out._resting)
            self.wait_for(lambda: not out._asked)
            for _ in range(100):
                self.assertEqual(record, out.ask(image_id))
                # Nor are others looked at.
                self.assertIsNone(out.ask(self.image_id()))
            self.assertEqual(looks + 1, len(self.looks))
        finally:
            osd.send_signal(signal.SIGCONT)
        flattening.finish()
        out._resting = dict.fromkeys(out._resting, 0.0)
        out._images[image_id].due_at = 0
        self.unlock(image_id)
        self.wait_record(out, image_id, phase='registering')

    def test_ceph_cannot_be_reached(self) -> None:
        conf = self.conf_file(**{'global': {
            'mon_host': 'v2:127.0.0.1:1/0', 'keyring': '/dev/null'}})
        out = self.lookout(conf=conf)
        self.assertIsNone(out.ask(self.image_id()))
        self.wait_for(lambda: out._all_resting())

    def test_one_pool_that_is_not_there(self) -> None:
        image_id, lost = self.snapshot(), self.image_id()
        out = self.lookout(pools=['nowhere', services.POOL])
        self.wait_record(out, image_id, phase='flattening')
        # It may be in the other one.
        self.assertIsNone(out.ask(lost))

    def test_connections_end(self) -> None:
        self.addCleanup(setattr, lookout, '_IDLE', lookout._IDLE)
        lookout._IDLE = 0.1
        image_id, out = self.snapshot(), self.lookout()
        self.wait_record(out, image_id, phase='flattening')
        self.wait_for(lambda: out._thread is None)
        self.assertEqual({}, out._clusters._connected)
        out._images.clear()
        self.wait_record(out, image_id, phase='flattening')
