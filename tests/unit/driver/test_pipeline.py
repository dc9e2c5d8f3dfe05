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

"""A slow, forgetful and failing image, and what must hold in spite of it."""

import errno
import hashlib
from importlib import metadata
import inspect
import io
import textwrap
import threading
import time
import types

from glance_store._drivers import rbd as stock
from glance_store import exceptions
import hypothesis
from hypothesis import strategies as st

from glance_progress.driver import pipeline
from tests.unit import base
from tests.unit import fakes


class Attempt:
    """Stands in for upload.Upload."""

    def __init__(self):
        self.sizes = []
        self.source_failed = False

    def metered(self, image_file, read):
        from glance_progress.driver import meter
        return meter.around(image_file, read, self.fail)

    def fail(self):
        self.source_failed = True

    def written(self, size):
        self.sizes.append(size)


class Verifier:
    def __init__(self, fail_at):
        self.left = fail_at
        self.taken = b''

    def update(self, chunk):
        self.left -= 1
        if self.left < 0:
            raise ValueError('verifier')
        self.taken += chunk


class Reader(io.BytesIO):
    def __init__(self, content, fail_at):
        super().__init__(content)
        self.left = fail_at

    def read(self, size):
        self.left -= 1
        if self.left < 0:
            raise ConnectionError('reader')
        return super().read(size)


class TestPipeline(base.TestCase):
    """The stock driver's own add(), and a cluster that is made up."""

    CHUNK = 4

    def setUp(self):
        super().setUp()
        self.patch('glance_store._drivers.rbd.rbd', fakes.rbd)
        self.patch('glance_progress.driver.pipeline._TELL_INTERVAL', 0.005)
        driver = stock.Store.__new__(stock.Store)
        driver.__dict__.update(
            conf_file='', user='', pool='pool', conf=None,
            WRITE_CHUNKSIZE=self.CHUNK, thin_provisioning=False,
            backend_group='fast', resize_amount=self.CHUNK, size=0,
            is_capable=lambda *args: True)
        driver.get_connection = lambda **kwargs: Connection()
        driver._create_image = self.create_image
        driver._delete_image = lambda *args: self.deleted.append(args)
        self.driver = driver
        self.deleted = []
        self.kwargs = {}

    def create_image(self, fsid, conn, ioctx, name, size, order):
        self.image = fakes.Image(size, **self.kwargs)
        self.patch('tests.unit.fakes.rbd.Image',
                   lambda ioctx, name: self.image)
        return Location()

    def add(self, content, size=None, limit=3, reader=99, verifier=99,
            thin=False, **kwargs):
        self.kwargs = kwargs
        self.deleted = []
        self.driver.size, self.driver.resize_amount = 0, self.CHUNK
        self.driver.thin_provisioning = thin
        self.attempt = Attempt()
        self.verifier = Verifier(verifier)
        return pipeline.Pipeline(limit, self.attempt).add(
            self.driver, base.IMAGE, Reader(content, reader),
            len(content) if size is None else size, 'sha256',
            verifier=self.verifier)

    def assert_nothing_left(self):
        self.assertEqual(set(), fakes.ours())
        self.assertEqual([], self.image.flying)
        self.assertEqual(('close', None, 0), self.image.calls[-1])
        for call in self.image.calls:
            self.assertEqual(0, call[2], call)

    @hypothesis.given(st.binary(max_size=40), st.booleans(), st.booleans(),
                      st.integers(1, 5), st.data())
    def test_success(self, content, known, thin, limit, data):
        content = content.ljust(len(content) // 4 * 4, b'\0')
        result = self.add(
            content, None if known else 0, limit, thin=thin,
            order=lambda count: data.draw(st.integers(0, count - 1)))
        self.assertEqual(
            ('rbd://x', len(content), hashlib.md5(content).hexdigest(),
             hashlib.sha256(content).hexdigest(), {'store': 'fast'}), result)
        self.assertEqual(content, bytes(self.image.content))
        self.assertEqual(content, self.verifier.taken)
        self.assertIn(('create_snap', 'snap', 0), self.image.calls)
        self.assertEqual([], self.deleted)
        self.assert_nothing_left()

    def outcome(self, *args, **kwargs):
        try:
            self.add(*args, **kwargs)
        except Exception as exc:
            return type(exc)

    @hypothesis.given(
        st.integers(0, 6), st.integers(0, 6), st.integers(0, 6),
        st.integers(1, 4), st.booleans(), st.data())
    def test_the_failure_that_the_stock_driver_meets_first(
            self, write, reader, verifier, limit, known, data):
        # Five chunks: 6 stands for none that fails. A chunk is read, then
        # written, then verified; 5 is what finds the end of the data.
        content = bytes(range(1, 21))
        steps = [(reader, 0, ConnectionError),
                 (write, 1, exceptions.StorageFull),
                 (verifier, 2, ValueError)]
        chunk, _, first = min(
            (s for s in steps if s[0] < (6 if s[1] == 0 else 5)),
            default=(None, None, None))
        outcome = self.outcome(
            content, None if known else 0, limit, reader, verifier,
            fails={4 * write: errno.ENOSPC},
            order=lambda count: data.draw(st.integers(0, count - 1)))
        self.assertIs(first, outcome)
        self.assertEqual(first is not None, bool(self.deleted))
        self.assertEqual(first is ConnectionError,
                         self.attempt.source_failed)
        self.assert_nothing_left()

    def test_a_base_exception_is_not_replaced(self):
        class Killed(BaseException):
            pass

        def read(size):
            if content.tell():
                raise Killed()
            return io.BytesIO.read(content, size)

        content = Reader(b'12345678', 99)
        content.read = read
        self.kwargs = {'fails': {0: errno.EIO}}
        self.driver.size = 0
        self.assertRaises(
            Killed, pipeline.Pipeline(3, Attempt()).add, self.driver,
            base.IMAGE, content, 8, 'sha256')
        self.assert_nothing_left()

    def test_a_hash_that_fails_leaves_no_image(self):
        for bad in ('md5', 'sha256'):
            self.patch(
                'glance_store.common.utils.get_hasher',
                lambda name, *args: (
                    fakes.Broken() if name == bad else fakes.Hash()))
            self.patch('tests.unit.fakes.Hash.update',
                       lambda *args: None)
            self.assertIs(BufferError, self.outcome(b'12345678'))
            self.assertEqual(1, len(self.deleted))
            self.assert_nothing_left()

    def test_a_failed_write_without_a_snapshot(self):
        self.patch('tests.unit.driver.test_pipeline.Location.snapshot', None)
        self.assertIs(exceptions.StorageFull, self.outcome(
            b'12345678', fails={4: errno.ENOSPC}))
        self.assert_nothing_left()

    def test_zeros_are_found_quickly(self):
        seen = []
        self.patch('glance_progress.driver.pipeline._any', seen.append)
        self.add(bytes(8), thin=True)
        self.assertEqual([bytes(4)] * 2, seen)

    def test_size_mismatch(self):
        expected = [exceptions.Invalid, exceptions.Invalid]
        if int(metadata.version('glance_store').split('.')[0]) < 5:
            # The stock driver has no check, and Ceph one of its own.
            expected = [None, fakes.rbd.IncompleteWriteError]
        for size, outcome in zip((9, 7), expected):
            self.assertIs(outcome, self.outcome(b'12345678', size))
            self.assert_nothing_left()

    def test_tells_what_is_written(self):
        go_on = threading.Event()
        stalled = threading.Event()

        class Stalling(Reader):
            def read(self, size):
                if self.tell() == 8:
                    stalled.set()
                    assert go_on.wait(base.PATIENCE)
                return super().read(size)

        attempt = Attempt()
        join = self.in_thread(
            pipeline.Pipeline(3, attempt).add, self.driver, base.IMAGE,
            Stalling(b'123456789', 99), 9, 'sha256')
        assert stalled.wait(base.PATIENCE)
        time.sleep(0.05)
        self.assertEqual([0], attempt.sizes)  # both are in flight
        self.image.flying[1].complete()
        time.sleep(0.05)
        self.assertEqual([0], attempt.sizes)
        self.image.flying[0].complete()
        deadline = time.monotonic() + base.PATIENCE
        while attempt.sizes != [0, 8] and time.monotonic() < deadline:
            time.sleep(0.005)
        self.assertEqual([0, 8], attempt.sizes)
        go_on.set()
        self.assertEqual(9, join()[1])

    def test_green(self):
        # Threads are green there; none may be waited for natively.
        self.patch('glance_progress.process.is_green', lambda: True)
        seen = []
        self.patch('tests.unit.fakes.Image.aio_write',
                   _recording(fakes.Image.aio_write,
                              lambda: seen.append(fakes.ours())))
        self.assertEqual(8, self.add(b'12345678')[1])
        self.assertEqual([{'glance-progress-teller'}] * 2, seen)
        self.assert_nothing_left()

    def test_no_thread_is_left(self):
        def start(thread):
            raise RuntimeError("can't start new thread")

        self.patch('threading.Thread.start', start)
        result = self.add(b'123456789')
        self.assertEqual(
            (9, hashlib.sha256(b'123456789').hexdigest()),
            (result[1], result[3]))
        self.assertEqual([0], self.attempt.sizes)
        self.assertIs(ConnectionError, self.outcome(b'12345678', reader=1))
        self.assert_nothing_left()

    def test_the_stock_module_stays_as_it_is(self):
        before = dict(vars(stock))
        self.add(b'12345678')
        self.assertEqual(before, dict(vars(stock)))

    def test_thin_provisioning_writes_no_zeros(self):
        offsets = []
        real = fakes.Image.aio_write

        def aio_write(image, data, offset, oncomplete):
            offsets.append(offset)
            return real(image, data, offset, oncomplete)

        self.patch('tests.unit.fakes.Image.aio_write', aio_write)
        self.add(b'1234' + bytes(8) + b'\0\0\0\1' + b'\0', thin=True)
        self.assertEqual([0, 12], offsets)


def _recording(function, record):
    def recorded(*args, **kwargs):
        record()
        return function(*args, **kwargs)
    return recorded


class Connection:
    def get_fsid(self):
        return 'fsid'

    def open_ioctx(self, pool):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        pass


class Location:
    snapshot = 'snap'
    pool = 'pool'
    image = base.IMAGE

    def get_uri(self):
        return 'rbd://x'


class TestPossible(base.TestCase):

    def test_here(self):
        self.patch('glance_store._drivers.rbd.rbd', fakes.rbd)
        self.assertTrue(pipeline.possible())

    def test_without_the_binding(self):
        self.patch('glance_store._drivers.rbd.rbd', None)
        self.assertFalse(pipeline.possible())

    def test_where_no_thread_runs(self):
        self.patch('glance_store._drivers.rbd.rbd', fakes.rbd)
        self.patch('glance_progress.process.runs_threads', lambda: False)
        self.assertFalse(pipeline.possible())

    def test_a_driver_that_works_in_another_way(self):
        self.patch('glance_store._drivers.rbd.rbd', fakes.rbd)
        for add in (lambda *args: None, print, _recording(print, print),
                    eval('lambda *args: rbd', vars(stock))):
            self.patch('glance_store._drivers.rbd.Store.add', add)
            self.assertFalse(pipeline.possible())

    def test_changed_copies_of_the_installed_driver(self):
        """A release that works in another way is used as it is."""
        self.patch('glance_store._drivers.rbd.rbd', fakes.rbd)
        installed = stock.Store.add
        while installed.__globals__ is not vars(stock):
            installed, = (cell.cell_contents for cell in installed.__closure__
                          if callable(cell.cell_contents))
        source = textwrap.dedent(inspect.getsource(installed))

        def changed(before, after, count=1):
            self.assertEqual(count, source.count(before))
            namespace = {}
            exec(compile(source.replace(before, after), 'changed', 'exec'),
                 vars(stock), namespace)
            self.patch('glance_store._drivers.rbd.Store.add',
                       namespace['add'])
            return pipeline.possible()

        self.assertTrue(changed('image.write(', 'image.write('))
        for before, after, count in (
                ('image.write(', 'image.write_and_flush(', 1),
                ('rbd.Image(', 'self._open(', 1),
                ('utils.get_hasher(', 'self._hasher(', 2)):
            self.assertFalse(changed(before, after, count))


class TestAny(base.TestCase):

    @hypothesis.given(st.integers(0, 3 * len(pipeline._ZEROS)), st.data())
    def test_is_any(self, size, data):
        chunk = bytearray(size)
        self.assertFalse(pipeline._any(bytes(chunk)))
        if size:
            at = data.draw(st.integers(0, size - 1))
            chunk[at] = 1
            self.assertTrue(pipeline._any(bytes(chunk)))
            self.assertTrue(pipeline._any(chunk))

    def test_of_other_things(self):
        self.assertTrue(pipeline._any(iter([0, 1])))
        self.assertFalse(pipeline._any([]))


class TestNames(base.TestCase):

    def test_defaults_are_kept(self):
        """Of a decorated add(), too, with arguments by keyword alone."""
        def add(store, size=2, *, rbd_=None, context='mine'):
            rbd.Image.write(utils.get_hasher())  # noqa: F821
            return size, context

        theirs = types.FunctionType(
            add.__code__, vars(stock), 'add', add.__defaults__)
        theirs.__kwdefaults__ = add.__kwdefaults__
        found = []
        copy = pipeline._with_names(theirs, {
            'rbd': types.SimpleNamespace(
                Image=types.SimpleNamespace(write=found.append)),
            'utils': types.SimpleNamespace(get_hasher=lambda: 'ours')})
        self.assertEqual((2, 'mine'), copy(None))
        self.assertEqual(['ours'], found)
