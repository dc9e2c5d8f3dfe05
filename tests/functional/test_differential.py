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

"""rbd_progress does what the stock driver does, on the same cluster.

So it does one step after the other, and with the steps overlapped.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
from typing import Any
from unittest import mock

import rbd
import testscenarios

from tests.functional import base
from tests.functional import misbehaving
from tests.functional import services

CHUNK = base.MiB

SIZES = {'empty': 0, 'byte': 1, 'less': CHUNK - 1, 'chunk': CHUNK,
         'more': CHUNK + 1, 'several': 5 * CHUNK + 4097}


def digest(content: bytes) -> str:
    """Return what stands for a content, since that fills the screen."""
    return hashlib.sha256(content).hexdigest()


@dataclasses.dataclass
class Observed:
    """What one upload has come to."""

    result: Any
    error: tuple[type, str] | None
    left_behind: dict[str, Any]
    locks: int


class DifferentialTest(testscenarios.WithScenarios, base.TestCase):

    scenarios = base.MODES

    def setUp(self) -> None:
        super().setUp()
        # What others have left behind is none of this upload's.
        self._empty_pool(self.ioctx())

    def conf(self, *args: Any, **kwargs: Any) -> Any:
        return super().conf(
            *args, writes_in_flight=self.writes_in_flight, **kwargs)

    def observe(
        self, driver: str, image_id: str, body: Any, size: int,
        hashing_algo: str = 'sha512', verifier: Any = None,
        conf: Any = None,
    ) -> Observed:
        """Upload, look what there is in the pool, and clean up."""
        store = self.store(conf or self.conf(), driver)
        result = error = None
        try:
            result = store.add(image_id, body, size, hashing_algo,
                               verifier=verifier)
        except Exception as exc:
            error = (type(exc), str(exc))
        ioctx = self.ioctx()
        left, locks = {}, 0
        for name in rbd.RBD().list(ioctx):
            with rbd.Image(ioctx, name) as image:
                left[name] = {
                    'size': image.size(),
                    'features': image.features(),
                    'order': image.stat()['order'],
                    'snapshots': [
                        (s['name'], s['size'],
                         image.is_protected_snap(s['name']))
                        for s in image.list_snaps()],
                    'content': digest(image.read(0, image.size())),
                    'objects': self._allocated(ioctx, image),
                }
                locks += len(list(image.list_lockers() or ()))
        left['trash'] = [t['name'] for t in rbd.RBD().trash_list(ioctx)]
        self._empty_pool(ioctx)
        return Observed(result, error, left, locks)

    def _allocated(self, ioctx: Any, image: Any) -> dict[str, int]:
        """Return which objects of an image exist, and their sizes."""
        prefix = image.stat()['block_name_prefix'] + '.'
        return {o.key[len(prefix):]: o.stat()[0]
                for o in ioctx.list_objects() if o.key.startswith(prefix)}

    def _empty_pool(self, ioctx: Any) -> None:
        for name in rbd.RBD().list(ioctx):
            with rbd.Image(ioctx, name) as image:
                for snapshot in image.list_snaps():
                    if image.is_protected_snap(snapshot['name']):
                        image.unprotect_snap(snapshot['name'])
                    image.remove_snap(snapshot['name'])
            rbd.RBD().remove(ioctx, name)

    def compare(self, make_body: Any, size: int, **kwargs: Any) -> Observed:
        """Upload with both drivers; what comes of it must be equal."""
        image_id = self.image_id()
        expected = self.observe('rbd', image_id, make_body(), size, **kwargs)
        actual = self.observe(
            'rbd_progress', image_id, make_body(), size, **kwargs)
        self.assertEqual(expected, actual)
        return actual


class ContentTest(DifferentialTest):

    scenarios = testscenarios.multiply_scenarios(
        base.MODES,
        [(name, {'size': size}) for name, size in SIZES.items()],
        [('known', {'known': True}), ('unknown', {'known': False})],
        [('thick', {'thin': False}), ('thin', {'thin': True})])

    def test_same_outcome(self) -> None:
        content = base.data(self.size)
        # a hole for thin provisioning, where there is room for one
        hole = slice(CHUNK, min(3 * CHUNK, self.size))
        content = (content[:hole.start]
                   + bytes(max(0, hole.stop - hole.start))
                   + content[max(hole.start, hole.stop):])[:self.size]
        conf = self.conf(
            servers='127.0.0.1:%d' % services.memcached().port,
            store={'rbd_thin_provisioning': self.thin})
        seen = self.compare(
            lambda: io.BytesIO(content), self.size if self.known else 0,
            conf=conf)
        self.assertIsNone(seen.error)
        stored, = (v for k, v in seen.left_behind.items() if k != 'trash')
        self.assertEqual(digest(content), stored['content'])
        self.assertEqual(self.size, seen.result[1])


class ReaderTest(DifferentialTest):

    scenarios = testscenarios.multiply_scenarios(
        base.MODES,
        [('odd', {'kind': misbehaving.OddReader}),
         ('iterable', {'kind': misbehaving.Iterable})],
        [('known', {'known': True}), ('unknown', {'known': False})])

    def test_same_outcome(self) -> None:
        content = base.data(3 * CHUNK + 5)
        seen = self.compare(lambda: self.kind(content),
                            len(content) if self.known else 0)
        self.assertIsNone(seen.error)


class FailureTest(DifferentialTest):

    def setUp(self) -> None:
        super().setUp()
        self.content = base.data(3 * CHUNK + 5)

    def assert_fails_the_same(
        self, make_body: Any, size: int, **kwargs: Any
    ) -> None:
        seen = self.compare(make_body, size, **kwargs)
        self.assertIsNotNone(seen.error)
        self.assertEqual({'trash': []}, seen.left_behind)

    def test_body_too_short(self) -> None:
        # Up to glance_store 4.1 this was no failure.
        self.compare(
            lambda: io.BytesIO(self.content), len(self.content) + 1)

    def test_body_too_long(self) -> None:
        self.assert_fails_the_same(
            lambda: io.BytesIO(self.content), len(self.content) - 1)

    def test_body_a_chunk_too_long(self) -> None:
        self.assert_fails_the_same(
            lambda: io.BytesIO(self.content), len(self.content) - CHUNK)

    def test_reader_raises(self) -> None:
        for size in (0, len(self.content)):
            self.assert_fails_the_same(
                lambda: misbehaving.FailingReader(self.content), size)

    def test_verifier_raises(self) -> None:
        for fail_at in (0, CHUNK, 3 * CHUNK):
            image_id = self.image_id()
            seen = [
                self.observe(driver, image_id, io.BytesIO(self.content),
                             len(self.content),
                             verifier=misbehaving.Verifier(fail_at))
                for driver in base.DRIVERS]
            self.assertEqual(*seen)
            self.assertIsNotNone(seen[0].error)

    def test_unknown_hash(self) -> None:
        self.assert_fails_the_same(
            lambda: io.BytesIO(self.content), 0, hashing_algo='nothing')

    def test_no_space(self) -> None:
        # A full pool does not answer so: Ceph lets a write wait until there
        # is room again (Objecter), so the answer has to be made up.
        for chunk in (0, 1, 3):
            self.assert_write_fails_the_same(rbd.NoSpace, 28, chunk)

    def test_write_fails(self) -> None:
        for cls, number in ((rbd.Timeout, 110), (rbd.IOError, 5),
                            (rbd.DiskQuotaExceeded, 122),
                            (rbd.PermissionError, 1), (rbd.OSError, 7)):
            self.assert_write_fails_the_same(cls, number, 2)

    def assert_write_fails_the_same(
        self, cls: type[rbd.OSError], number: int, chunk: int
    ) -> None:
        for size in (len(self.content), 0):
            with mock.patch.object(
                    rbd, 'Image',
                    misbehaving.failing_writes(cls, number, chunk)):
                self.assert_fails_the_same(
                    lambda: io.BytesIO(self.content), size)

    def test_image_shrunk_by_somebody_else(self) -> None:
        # An asynchronous write does not tell that it was cut off.
        image_id = self.image_id()
        for size in (2 * CHUNK, 2 * CHUNK + CHUNK // 2, CHUNK):
            def shrink(read: int, size: int = size) -> None:
                if read == 2:
                    with rbd.Image(self.ioctx(), image_id) as image:
                        image.resize(size)

            with mock.patch.object(self, 'image_id', lambda: image_id):
                self.assert_fails_the_same(
                    lambda: base.Body(self.content, shrink),
                    len(self.content))

    def test_chunks_that_are_no_bytes(self) -> None:
        for kind in (bytearray, memoryview, str):
            chunk = 'text' if kind is str else kind(b'text')
            self.assert_fails_the_same(lambda: iter([chunk]), 4)

    def test_reader_raises_after_a_write_has_failed(self) -> None:
        class Reader(io.BytesIO):
            def read(self, *args: Any) -> bytes:
                if self.tell() == 2 * CHUNK:
                    raise OSError('lost')
                return super().read(*args)

        with mock.patch.object(
                rbd, 'Image', misbehaving.failing_writes(rbd.NoSpace, 28, 1)):
            self.assert_fails_the_same(lambda: Reader(self.content), 0)

    def test_snapshot_fails(self) -> None:
        def fail(image, name, *args):
            raise rbd.Timeout('made up', errno=110)

        with mock.patch.object(
                rbd, 'Image', misbehaving.image_class(create_snap=fail)):
            self.assert_fails_the_same(
                lambda: io.BytesIO(self.content), len(self.content))

    def test_duplicate(self) -> None:
        seen = []
        for driver in base.DRIVERS:
            image_id = '11111111-2222-3333-4444-555555555555'
            self.store(self.conf(), 'rbd').add(
                image_id, io.BytesIO(self.content), 0, 'sha512')
            seen.append(self.observe(
                driver, image_id, io.BytesIO(b'other'), 5))
        self.assertEqual(*seen)
        self.assertEqual('Duplicate', seen[0].error[0].__name__)
        self.assertEqual(
            digest(self.content),
            seen[0].left_behind[image_id]['content'])

    def test_ceph_unreachable(self) -> None:
        conf = self.conf(store={'rados_connect_timeout': 1})
        seen = []
        for driver in base.DRIVERS:
            store = self.store(conf, driver)
            store.conf_file = '/nonexistent/ceph.conf'
            try:
                store.add(self.image_id(), io.BytesIO(b''), 0, 'sha512')
            except Exception as exc:
                seen.append((type(exc), str(exc)))
        self.assertEqual(*seen)


class VerifierTest(DifferentialTest):

    def test_takes_all_in_order(self) -> None:
        content = base.data(3 * CHUNK + 5)
        for driver in base.DRIVERS:
            verifier = misbehaving.Verifier()
            self.observe(driver, self.image_id(), io.BytesIO(content),
                         len(content), verifier=verifier)
            self.assertEqual(digest(content), digest(verifier.taken))


class CallingConventionTest(DifferentialTest):
    """Glance names its arguments one way, older callers another."""

    def test_without_hashing_algo(self) -> None:
        for driver in base.DRIVERS:
            store = self.store(self.conf(), driver)
            image_id = self.image_id()
            self.assertEqual(
                4, len(store.add(image_id, io.BytesIO(b'x'), 1)))
            self.assertEqual(
                4, len(store.add(image_id='%s-2' % image_id,
                                 image_file=io.BytesIO(b'x'), image_size=1,
                                 context=None, verifier=None)))
            self._empty_pool(self.ioctx())

    def test_all_by_name(self) -> None:
        for driver in base.DRIVERS:
            store = self.store(self.conf(), driver)
            result = store.add(
                image_id=self.image_id(), image_file=io.BytesIO(b'x'),
                image_size=1, hashing_algo='sha256', context=None,
                verifier=None)
            self.assertEqual(5, len(result))
            self._empty_pool(self.ioctx())
