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

import io

import hypothesis
from hypothesis import strategies as st

from glance_progress.driver import meter
from tests.unit import base


class Iterable:
    """An image file without read(), as Glance's own wrappers may be."""

    size = 7

    def __init__(self, chunks):
        self._chunks = chunks

    def __iter__(self):
        for chunk in self._chunks:
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk


class Readable(io.BytesIO):
    """An image file that fails at its end."""

    def read(self, size=-1):
        chunk = super().read(size)
        if not chunk:
            raise OSError('the client went away')
        return chunk


class TestMeter(base.TestCase):

    def setUp(self):
        super().setUp()
        self.written = []

    def around(self, image_file):
        self.source_failed = False
        return meter.around(image_file, self.written.append, self.fail)

    def fail(self):
        self.source_failed = True

    def test_read(self):
        metered = self.around(io.BytesIO(b'12345'))
        self.assertEqual(b'123', metered.read(3))
        self.assertEqual([0], self.written)
        self.assertEqual(b'45', metered.read(3))
        self.assertEqual(b'', metered.read(3))
        self.assertEqual([0, 3, 5], self.written)
        self.assertFalse(self.source_failed)

    @hypothesis.given(st.binary(max_size=99), st.lists(st.integers(0, 20)))
    def test_read_of_any_size(self, data, sizes):
        self.written = []
        metered = self.around(io.BytesIO(data))
        taken = b''
        for size in sizes:
            before = len(taken)
            taken += metered.read(size)
            self.assertEqual(before, self.written[-1])
        self.assertEqual(data, taken + metered.read())

    def test_iterate(self):
        metered = self.around(Iterable([b'123', b'', b'45']))
        self.assertFalse(hasattr(metered, 'read'))
        seen = []
        for chunk in metered:
            seen.append((chunk, list(self.written)))
        self.assertEqual(
            [(b'123', [0]), (b'', [0, 3]), (b'45', [0, 3, 3])], seen)
        self.assertEqual([0, 3, 3, 5], self.written)
        self.assertFalse(self.source_failed)

    def test_iterate_over_what_has_read(self):
        metered = self.around(io.BytesIO(b'1\n23\n'))
        self.assertTrue(hasattr(metered, 'read'))
        self.assertEqual([b'1\n', b'23\n'], list(metered))
        self.assertEqual([0, 2, 5], self.written)

    def test_failing_read(self):
        metered = self.around(Readable(b'123'))
        metered.read(8)
        self.assertFalse(self.source_failed)
        self.assertRaises(OSError, metered.read, 8)
        self.assertTrue(self.source_failed)

    def test_failing_iteration(self):
        for exc in (OSError('gone'), SystemExit()):
            metered = self.around(Iterable([b'123', exc]))
            self.assertRaises(type(exc), list, metered)
            self.assertTrue(self.source_failed)

    def test_failing_consumer(self):
        def consume(chunks):
            for _ in chunks:
                raise OSError('the store is full')

        for source in (Iterable([b'1', b'2']), io.BytesIO(b'12')):
            metered = self.around(source)
            self.assertRaises(OSError, consume, metered)
            self.assertFalse(self.source_failed)

    def test_other_attributes(self):
        source = io.BytesIO(b'123')
        metered = self.around(source)
        self.assertEqual(7, self.around(Iterable([])).size)
        metered.close()
        self.assertTrue(source.closed)
        self.assertRaises(AttributeError, getattr, metered, 'nothing')
