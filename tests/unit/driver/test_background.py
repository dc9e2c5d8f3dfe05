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

import errno
import gc
import hashlib
import threading
import time
from unittest import mock
import weakref

from glance_store._drivers import rbd as stock
import hypothesis
from hypothesis import strategies as st

from glance_progress.driver import background
from glance_progress.driver import crowd
from tests.unit import base
from tests.unit import fakes


def a_hasher(hasher, limit):
    return background.Hasher(hasher, limit, crowd.Member())


def crowded():
    return mock.patch.object(crowd, 'is_there', lambda: True)


class TestError(base.TestCase):

    def test_known_and_unknown_numbers(self):
        for number, cls in ((errno.ENOSPC, fakes.rbd.NoSpace),
                            (errno.ETIMEDOUT, fakes.rbd.Timeout),
                            # an older binding
                            (errno.EROFS, fakes.rbd.OSError),
                            (errno.E2BIG, fakes.rbd.OSError)):
            exc = background.error(fakes.rbd, number, 'text')
            self.assertIs(cls, type(exc))
            self.assertEqual(number, exc.errno)
            self.assertIn('text', str(exc))

    def test_the_real_binding(self):
        if stock.rbd is None:
            self.skipTest('needs python3-rbd')
        for number, name in background._EXCEPTIONS.items():
            cls = getattr(stock.rbd, name)
            exc = background.error(stock.rbd, number, 'text')
            self.assertIs(cls, type(exc))
            self.assertEqual(number, exc.errno)


class TestWrites(base.TestCase):

    def writes(self, limit=2, **kwargs):
        self.image = fakes.Image(64, **kwargs)
        return background.Writes(fakes.rbd, self.image, 'image', limit)

    def test_data_are_kept_until_they_are_written(self):
        """librbd may be set to not copy them."""
        gone = []

        class Chunk(bytes):
            """Tells when nobody holds it, since it has no weak references."""

            def __del__(self):
                gone.append(True)

        writes = self.writes()
        chunk = Chunk(b'ab')
        aio_write = self.image.aio_write

        def without_copy(data, *args):
            return aio_write(bytes(bytearray(data)), *args)

        self.image.aio_write = without_copy
        writes.write(chunk, 0)
        del chunk
        self.assertEqual([], gone)
        writes.drain()
        self.assertEqual([True], gone)

    def test_returns_before_it_is_written(self):
        writes = self.writes()
        self.assertEqual(2, writes.write(b'ab', 0))
        self.assertEqual(2, writes.write(b'cd', 2))
        self.assertEqual(2, len(self.image.flying))
        self.assertEqual(0, writes.completed(4))
        writes.drain()
        self.assertEqual(b'abcd', self.image.content[:4])
        self.assertEqual(4, writes.completed(4))

    def test_limit(self):
        for limit in (1, 2, 5):
            writes = self.writes(limit)
            for at in range(10):
                writes.write(b'x', at)
            self.assertEqual(limit, self.image.most)

    def test_completed_counts_from_the_start(self):
        writes = self.writes(limit=4)
        for at in range(0, 8, 2):
            writes.write(b'ab', at)
        flying = list(self.image.flying)
        flying[2].complete()
        self.assertEqual(0, writes.completed(8))
        flying[0].complete()
        self.assertEqual(2, writes.completed(8))
        flying[1].complete()
        self.assertEqual(6, writes.completed(8))
        self.assertEqual(4, writes.completed(4))

    def test_completed_stops_at_a_failed_write(self):
        writes = self.writes(limit=4, fails={2: errno.EIO})
        for at in range(0, 6, 2):
            writes.write(b'ab', at)
        for completion in list(self.image.flying):
            completion.complete()
        self.assertEqual(2, writes.completed(6))
        writes.settle()
        self.assertEqual(2, writes.completed(6))

    def test_a_late_failure_is_noticed_before_the_next_write(self):
        writes = self.writes(limit=4, fails={2: errno.ENOSPC})
        writes.write(b'ab', 0)
        writes.write(b'cd', 2)
        self.image.flying[1].complete()
        exc = self.assertRaises(fakes.rbd.NoSpace, writes.write, b'ef', 4)
        self.assertIn("b'image'", str(exc))
        self.assertEqual([], self.image.flying)

    def test_the_first_failure_by_place_is_raised(self):
        writes = self.writes(
            limit=4, fails={2: errno.ETIMEDOUT, 4: errno.ENOSPC})
        for at in range(0, 6, 2):
            writes.write(b'ab', at)
        self.image.flying[2].complete()
        self.assertRaises(fakes.rbd.Timeout, writes.drain)
        self.assertRaises(fakes.rbd.Timeout, writes.check)

    def test_what_would_be_cut_off_is_written_synchronously(self):
        writes = self.writes()
        writes.write(b'x' * 60, 0)
        self.assertRaises(
            fakes.rbd.IncompleteWriteError, writes.write, b'x' * 5, 60)
        self.assertEqual([('write', 60, 0)], self.image.calls)

    def test_what_is_no_bytes_is_written_synchronously(self):
        writes = self.writes()
        writes.write(b'x', 0)
        for chunk in (bytearray(b'y'), 'y', memoryview(b'y')):
            self.assertRaises(
                fakes.rbd.IncompleteWriteError, writes.write, chunk, 1)
        self.assertEqual([('write', 1, 0)] * 3, self.image.calls)

    def test_in_a_crowd_one_after_the_other(self):
        writes = self.writes()
        writes.write(b'ab', 0)
        with crowded():
            self.assertEqual(2, writes.write(b'cd', 2))
        self.assertEqual([], self.image.flying)
        self.assertEqual(1, self.image.most)
        self.assertEqual(4, writes.completed(4))
        writes.write(b'ef', 4)
        self.assertEqual(1, len(self.image.flying))
        writes.drain()
        self.assertEqual(b'abcdef', self.image.content[:6])

    def test_a_failure_in_a_crowd(self):
        writes = self.writes(fails={2: errno.ENOSPC})
        with crowded():
            writes.write(b'ab', 0)
            self.assertRaises(fakes.rbd.NoSpace, writes.write, b'cd', 2)
        self.assertTrue(writes.raised)
        self.assertEqual(2, writes.completed(4))

    @hypothesis.given(
        st.lists(st.integers(1, 5), min_size=1, max_size=12),
        st.integers(1, 5), st.sets(st.integers(0, 11)), st.data())
    def test_any_sizes_orders_and_failures(self, sizes, limit, bad, data):
        with mock.patch.object(
                crowd, 'is_there', lambda: data.draw(st.booleans())):
            self.write_any(sizes, limit, bad, data)

    def write_any(self, sizes, limit, bad, data):
        starts = [sum(sizes[:n]) for n in range(len(sizes))]
        bad = sorted(n for n in bad if n < len(sizes))
        self.writes(
            limit, fails={starts[n]: errno.EIO for n in bad},
            order=lambda count: data.draw(st.integers(0, count - 1)))
        writes = background.Writes(fakes.rbd, self.image, 'image', limit)
        failed = False
        before = taken = 0
        try:
            for n, size in enumerate(sizes):
                taken = starts[n]
                writes.write(bytes([n + 1]) * size, starts[n])
                done = writes.completed(starts[n] + size)
                self.assertLessEqual(before, done)
                self.assertEqual(
                    b''.join(bytes([m + 1]) * s
                             for m, s in enumerate(sizes))[:done],
                    self.image.content[:done])
                before = done
            taken = sum(sizes)
            writes.drain()
        except fakes.rbd.OSError:
            failed = True
        self.assertEqual(bool(bad), failed)
        self.assertEqual([], self.image.flying)
        self.assertLessEqual(self.image.most, limit)
        self.assertEqual(
            starts[bad[0]] if bad else sum(sizes), writes.completed(taken))


class TestHasher(base.TestCase):

    def test_digest(self):
        hasher = a_hasher(hashlib.md5(), 3)
        for n in range(50):
            hasher.update(b'%d' % n * 1000)
        # Nobody waits for it at the end of the process.
        self.assertTrue(hasher._thread.daemon)
        self.assertEqual(
            hashlib.md5(b''.join(b'%d' % n * 1000 for n in range(50))
                        ).hexdigest(), hasher.hexdigest())
        self.assertEqual(set(), fakes.ours())

    def test_in_a_crowd_without_a_thread(self):
        hasher = a_hasher(hashlib.md5(), 3)
        with crowded():
            hasher.update(b'ab')
        self.assertEqual(set(), fakes.ours())
        self.assertEqual(hashlib.md5(b'ab').hexdigest(), hasher.hexdigest())

    @hypothesis.given(st.lists(st.booleans(), max_size=12), st.integers(1, 3))
    def test_a_crowd_that_comes_and_goes(self, crowds, limit):
        hasher = a_hasher(hashlib.md5(), limit)
        for n, each in enumerate(crowds):
            with mock.patch.object(crowd, 'is_there', lambda: each):
                hasher.update(bytes([n]) * 1000)
        self.assertEqual(
            hashlib.md5(b''.join(bytes([n]) * 1000 for n in range(
                len(crowds)))).hexdigest(), hasher.hexdigest())
        self.assertEqual(set(), fakes.ours())

    def test_a_failure_in_a_crowd(self):
        hasher = a_hasher(fakes.Broken(), 1)
        hasher.update(b'x')
        with crowded():
            for _ in range(3):  # must not wait for ever
                self.assertRaises(BufferError, hasher.update, b'x')
        self.assertRaises(BufferError, hasher.finish)
        self.assertEqual(set(), fakes.ours())

    def test_no_thread_is_left(self):
        hasher = a_hasher(hashlib.md5(), 1)
        with mock.patch('threading.Thread.start', autospec=True,
                        side_effect=RuntimeError):
            hasher.update(b'a')
            hasher.update(b'b')  # for which there is no room in the queue
        hasher.update(b'c')
        self.assertEqual(hashlib.md5(b'abc').hexdigest(), hasher.hexdigest())

    def test_what_may_change_is_copied(self):
        """Whoever reads into one buffer again and again changes it."""
        slow = fakes.Hash()
        hasher = a_hasher(slow, 3)
        buffer = bytearray(b'ab')
        for chunk in buffer, memoryview(buffer):
            hasher.update(chunk)
            buffer[:] = b'xx' if chunk is not buffer else b'cd'
        slow.may_eat.release(3)
        self.assertEqual(b'abcd'.hex(), hasher.hexdigest())

    def test_no_chunk_is_held_that_is_hashed(self):
        gone = []

        class Chunk(bytes):
            """Tells when nobody holds it, since it has no weak references."""

            def __del__(self):
                gone.append(True)

        class Forgetful(fakes.Hash):
            def update(self, chunk):
                assert self.may_eat.acquire(timeout=base.PATIENCE)

        slow = Forgetful()
        hasher = a_hasher(slow, 1)
        chunk = Chunk(b'ab')
        hasher.update(chunk)
        del chunk
        self.assertEqual([], gone)
        slow.may_eat.release()
        deadline = time.monotonic() + base.PATIENCE
        while not gone and time.monotonic() < deadline:
            time.sleep(0.001)
        self.assertEqual([True], gone)
        hasher.abandon()

    def test_nothing_to_hash(self):
        self.assertEqual(hashlib.md5().hexdigest(),
                         a_hasher(hashlib.md5(), 1).hexdigest())

    def test_limit(self):
        for limit in (1, 3):
            slow = fakes.Hash()
            hasher = a_hasher(slow, limit)
            for _ in range(limit):
                hasher.update(b'x')
            blocked = threading.Thread(target=hasher.update, args=(b'y',))
            blocked.start()
            blocked.join(0.1)
            self.assertTrue(blocked.is_alive())
            slow.may_eat.release()
            blocked.join(base.PATIENCE)
            self.assertFalse(blocked.is_alive())
            slow.may_eat.release(limit)
            self.assertEqual((b'x' * limit + b'y').hex(), hasher.hexdigest())

    def test_failure(self):
        hasher = a_hasher(fakes.Broken(), 1)
        for _ in range(5):
            hasher.update(b'x')  # must not wait for ever
        self.assertRaises(BufferError, hasher.finish)
        self.assertEqual(set(), fakes.ours())

    def test_a_failure_does_not_hold_itself(self):
        """Its frames would hold the data until a collection."""
        class Failure(Exception):
            pass

        class Broken(fakes.Hash):
            def update(self, chunk):
                raise Failure()

        hasher = a_hasher(Broken(), 1)
        hasher.update(b'x')
        gc.disable()
        self.addCleanup(gc.enable)
        try:
            hasher.finish()
        except Failure as exc:
            gone = weakref.ref(exc)
        self.assertIsNone(gone())

    def test_abandon(self):
        hasher = a_hasher(fakes.Broken(), 5)
        hasher.update(b'x')
        hasher.abandon()
        self.assertEqual(set(), fakes.ours())
        slow = fakes.Hash()
        hasher = a_hasher(slow, 5)
        for _ in range(5):
            hasher.update(b'x')
        self.assertTrue(slow.begun.wait(base.PATIENCE))
        ended = threading.Thread(target=hasher.abandon)
        ended.start()
        while not hasher._abandoned:
            time.sleep(0.001)
        slow.may_eat.release(5)
        ended.join(base.PATIENCE)
        self.assertEqual([b'x'], slow.eaten)
