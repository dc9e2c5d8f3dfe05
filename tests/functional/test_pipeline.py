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

"""Whatever happens in the middle of an overlapped upload, it ends right.

That is: the image is there, byte for byte, or add() has raised and nothing
of it is left.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent import futures
import pathlib
import re
import signal
import threading
import time
from typing import Any

import fixtures
from glance_store._drivers import rbd as stock
import rados
import rbd
import testscenarios

from glance_progress.driver import crowd
from glance_progress.records import wire
from tests.functional import base
from tests.functional import fault_base
from tests.functional import services

MiB = base.MiB


class StoreTestCase(fault_base.FaultTestCase):

    writes_in_flight = 4

    def setUp(self) -> None:
        super().setUp()
        self.image = self.image_id()

    def upload(
        self, source: fault_base.Source, size: int, **options: Any
    ) -> tuple[Any, ...]:
        conf = self.conf(
            services.memcached().address, update_interval=0.1,
            writes_in_flight=self.writes_in_flight, **options)
        self.read_conf = conf
        return self.store(conf).add(self.image, source, size, 'sha512')

    def assert_ended(self) -> None:
        names = [thread.name for thread in threading.enumerate()]
        self.assertFalse([n for n in names if n in (
            'glance-progress-hash', 'glance-progress-teller')])


class Meeting:
    """A hash object that waits for others when it has its third chunk.

    :param hasher: what hashes
    :param meet: called then
    """

    def __init__(self, hasher: Any, meet: Callable[[], None]) -> None:
        self._hasher = hasher
        self._meet = meet
        self._chunks = 0
        self.hexdigest = hasher.hexdigest

    def update(self, chunk: bytes) -> None:
        self._chunks += 1
        if self._chunks == 3:
            self._meet()
        self._hasher.update(chunk)


class CrowdTest(StoreTestCase):

    def test_more_uploads_than_overlapping_is_for(self) -> None:
        """The crowd comes and goes while each is in its middle."""
        at_once = 6
        all_there = threading.Barrier(at_once)
        crowded = []

        def note(_: int = 0) -> None:
            crowded.append(crowd.is_there())

        def meet() -> None:
            all_there.wait(60)
            note()

        def get_hasher(algorithm: str, *args: Any) -> Any:
            hasher = stock_get_hasher(algorithm, *args)
            return (Meeting(hasher, meet) if algorithm == 'sha512'
                    else hasher)

        def upload(number: int) -> tuple[str, str]:
            # The longest ones are alone at last.
            chunks = 4 + 6 * number
            source = fault_base.Source(chunks, MiB, note)
            image_id = self.image_id()
            stored = self.store(conf).add(image_id, source, 0, 'sha512')
            self.assertEqual((chunks * MiB, source.digest.hexdigest()),
                             (stored[1], stored[3]))
            return image_id, stored[3]

        stock_get_hasher = stock.utils.get_hasher
        self.useFixture(fixtures.MockPatchObject(
            stock.utils, 'get_hasher', get_hasher))
        conf = self.conf(services.memcached().address, update_interval=0.1)
        self.useFixture(fixtures.MockPatch(
            'os.sched_getaffinity', return_value={0}))
        self.useFixture(fixtures.MockPatchObject(crowd, '_STAYS', 0.05))
        with futures.ThreadPoolExecutor(at_once) as pool:
            uploaded = list(pool.map(upload, range(at_once)))
        self.assertIn(False, crowded[crowded.index(True):])
        time.sleep(0.1)
        self.assertFalse(crowd.is_there())
        for image_id, digest in uploaded:
            self.assert_stored(image_id, digest)
        self.assert_ended()


class OsdFaultTest(StoreTestCase):

    def test_osd_stands_still_for_a_while(self) -> None:
        osd, chunk, chunks = self.ceph.osd, 8 * MiB, 40
        resident: list[int] = []
        over = threading.Event()

        def watch() -> None:
            while not over.wait(0.05):
                resident.append(_resident())

        def at_read(number: int) -> None:
            if number == 4:
                resident.append(_resident())
                threading.Thread(target=watch).start()
            if number == 10:
                osd.send_signal(signal.SIGSTOP)
                self.addCleanup(osd.send_signal, signal.SIGCONT)
                self.later(20, lambda: osd.send_signal(signal.SIGCONT))

        self.addCleanup(over.set)
        source = fault_base.Source(chunks, chunk, at_read)
        started = time.monotonic()
        result = self.upload(source, 0, chunk_mib=8)
        self.assertGreater(time.monotonic() - started, 19)
        over.set()
        self.assertEqual(chunks * chunk, result[1])
        self.assertEqual(source.digest.hexdigest(), result[3])
        self.assert_stored(self.image, source.digest.hexdigest())
        # The four, the one that was read last, and what librbd needs.
        self.assertLess(max(resident) - resident[0], 8 * chunk)
        self.assert_ended()

    def test_osd_killed_and_restarted(self) -> None:
        osd, chunks = self.ceph.osd, 60

        def restart() -> None:
            osd.start()
            osd.wait_ready()

        def at_read(number: int) -> None:
            if number == 20:
                osd.send_signal(signal.SIGKILL)
                self.wait_for(lambda: not osd.running)
                self.later(2, restart)

        source = fault_base.Source(chunks, MiB, at_read)
        result = self.upload(source, chunks * MiB)
        self.assertEqual(source.digest.hexdigest(), result[3])
        self.assert_stored(self.image, source.digest.hexdigest())
        self.assert_ended()

    def test_osd_does_not_answer_in_time(self) -> None:
        """And its connection keeps what had no room in the kernel."""
        osd = self.ceph.osd
        delete = stock.Store._delete_image
        times: list[float] = []
        guard = threading.Timer(45, osd.send_signal, (signal.SIGCONT,))
        self.addCleanup(guard.cancel)

        def clean_up(*args: Any, **kwargs: Any) -> None:
            times.append(time.monotonic())
            osd.send_signal(signal.SIGCONT)
            delete(*args, **kwargs)

        def at_read(number: int) -> None:
            if number == 8:
                times.append(time.monotonic())
                osd.send_signal(signal.SIGSTOP)
                self.addCleanup(osd.send_signal, signal.SIGCONT)
                guard.start()

        # It goes on for what cleans up, which has a timeout of its own.
        self.useFixture(fixtures.MonkeyPatch(
            'glance_store._drivers.rbd.Store._delete_image', clean_up))
        exc = self.assertRaises(
            (rbd.Error, rados.Error), self.upload,
            fault_base.Source(24, 8 * MiB, at_read), 24 * 8 * MiB,
            chunk_mib=8, store={'rados_connect_timeout': 4})
        # Closing the RBD image takes 21 of them, with the stock driver, too.
        self.assertLess(times[1] - times[0], 35)
        self.assertIn('Timeout', type(exc).__name__)
        self.assert_ended()
        self.assertNotIn(self.image, self.images())
        self.wait_for(lambda: self.record(
            self.read_conf, self.image).state == wire.FAILED)


class InPlaceTest(StoreTestCase):
    """What Ceph's client is set to when an RBD image is made."""

    def test_nothing_is_copied(self) -> None:
        self.assertEqual({'rbd_cache': 'false',
                          'rbd_disable_zero_copy_writes': 'false'},
                         self.set_in_upload())

    def test_one_step_after_the_other(self) -> None:
        self.writes_in_flight = 0
        self.assertEqual({'rbd_cache': 'true',
                          'rbd_disable_zero_copy_writes': 'true'},
                         self.set_in_upload())

    def set_in_upload(self) -> dict[str, str]:
        found: dict[str, str] = {}
        create = stock.Store._create_image

        def look(
            store: stock.Store, fsid: str, conn: Any, *args: Any, **kwargs: Any
        ) -> Any:
            for option in ('rbd_cache', 'rbd_disable_zero_copy_writes'):
                found[option] = conn.conf_get(option)
            return create(store, fsid, conn, *args, **kwargs)

        self.useFixture(fixtures.MockPatchObject(
            stock.Store, '_create_image', look))
        source = fault_base.Source(3, MiB, lambda _: None)
        self.upload(source, 3 * MiB)
        self.assert_stored(self.image, source.digest.hexdigest())
        return found


class QuotaTest(testscenarios.WithScenarios, StoreTestCase):
    """A pool that is full in the middle of an upload."""

    scenarios = base.MODES

    POOL = 'small'
    QUOTA = 16 * MiB

    def setUp(self) -> None:
        super().setUp()
        self.ceph.create_pool(self.POOL, self.QUOTA)
        self.addCleanup(self.ceph.delete_pool, self.POOL)
        self.set_caps(*services.POOLS, self.POOL)
        self.addCleanup(self.set_caps, *services.POOLS)

    def set_caps(self, *pools: str) -> None:
        caps = ', '.join('profile rbd pool=' + pool for pool in pools)
        self.ceph.ceph('auth', 'caps', 'client.' + services.CEPH_USER,
                       'mon', 'profile rbd', 'osd', caps, 'mgr', caps)

    def is_full(self) -> bool:
        dump = self.ceph.ceph('osd', 'dump', parse=True)
        return any('full' in pool['flags_names'] for pool in dump['pools']
                   if pool['pool_name'] == self.POOL)

    def raise_quota(self) -> None:
        self.ceph.ceph('osd', 'pool', 'set-quota', self.POOL, 'max_bytes',
                       '0')

    def at_read(self, number: int) -> None:
        if number == 24:
            self.wait_for(self.is_full, 60)
            self.filled()

    def filled(self) -> None:
        pass

    def test_quota_raised(self) -> None:
        self.filled = lambda: self.later(5, self.raise_quota)
        source = fault_base.Source(60, MiB, self.at_read)
        started = time.monotonic()
        result = self.upload(source, 60 * MiB,
                             store={'rbd_store_pool': self.POOL})
        self.assertGreater(time.monotonic() - started, 5)
        self.assertEqual(source.digest.hexdigest(), result[3])
        self.assert_stored(
            self.image, source.digest.hexdigest(), self.POOL)
        self.assert_ended()

    def test_timeout(self) -> None:
        exc = self.assertRaises(
            (rbd.Error, rados.Error), self.upload,
            fault_base.Source(60, MiB, self.at_read), 60 * MiB,
            store={'rbd_store_pool': self.POOL, 'rados_connect_timeout': 4})
        self.assertIn('Timeout', type(exc).__name__)
        self.assert_ended()
        # Ceph does not let the stock driver delete from a full pool either;
        # no lock hinders whoever does it later.
        self.raise_quota()
        self.wait_for(lambda: not self.is_full(), 60)
        store = self.store(self.conf(store={'rbd_store_pool': self.POOL}))
        for left in self.images(self.POOL):
            self.assertEqual(self.image, left)
            store._delete_image(self.POOL, left)
        self.assertEqual([], self.images(self.POOL))


def _resident() -> int:
    """Return the bytes of memory that this process has."""
    status = pathlib.Path('/proc/self/status').read_text()
    return 1024 * int(re.search(r'VmRSS:\s+(\d+)', status)[1])
