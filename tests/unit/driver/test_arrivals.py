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

from glance_progress.driver import arrivals
from tests.unit import base

KiB = 1024


class Upload:
    """Stands in for upload.Upload."""

    def __init__(self):
        self.sizes = []

    def received(self, size):
        self.sizes.append(size)


class Sender(io.BytesIO):
    """A body that takes *seconds* a KiB to come."""

    def __init__(self, data, clock, seconds, short=()):
        super().__init__(data)
        self.asked = []
        self._clock = clock
        self._seconds = seconds
        self._short = short

    def read(self, size=-1):
        self.asked.append(size)
        chunk = super().read(1 if len(self.asked) in self._short else size)
        self._clock.now += len(chunk) / KiB * self._seconds
        return chunk


class TestBody(base.TestCase):

    SIZE = 8 * KiB * KiB

    def setUp(self):
        super().setUp()
        self.clock = self.useFixture(
            base.Clock('glance_progress.driver.arrivals'))
        self.upload = Upload()

    def body(self, data, seconds=0, **kwargs):
        self.sender = Sender(data, self.clock, seconds, **kwargs)
        return arrivals.Body(self.sender, [self.upload])

    @property
    def asked(self):
        """How many KiB the sender was asked for at once."""
        return [size // KiB for size in self.sender.asked]

    def test_slow(self):
        data = bytes(range(256)) * 4 * 256
        self.assertEqual(data, self.body(data, 0.1).read(self.SIZE))
        # Nobody waits for a sign of life for longer than these take.
        self.assertEqual({4}, set(self.asked))
        self.assertEqual(
            [4 * KiB, 8 * KiB, 12 * KiB], self.upload.sizes[:3])
        self.assertEqual(len(data), self.upload.sizes[-1])

    def test_neither_fast_nor_slow(self):
        self.body(bytes(self.SIZE), 0.01).read(self.SIZE)
        self.assertEqual([4, 8, 8], self.asked[:3])

    def test_fast(self):
        data = bytes(self.SIZE)
        body = self.body(data)
        self.assertEqual(data, body.read(self.SIZE))
        self.assertEqual([4, 8, 16, 32, 64, 128, 256, 512, 1024, 1024],
                         self.asked[:10])
        self.assertLess(len(self.asked), 18)

    def test_slow_again(self):
        body = self.body(bytes(self.SIZE))
        body.read(KiB * KiB)
        self.sender.asked.clear()
        self.sender._seconds = 0.1
        body.read(7 * KiB * KiB)
        self.assertEqual([1024, 512, 256, 128, 64, 32, 16, 8, 4],
                         self.asked[:9])

    def test_nothing_is_asked_for_beyond_the_end(self):
        for data in (bytes(20 * KiB), bytes(20 * KiB - 1)):
            self.assertEqual(data, self.body(data).read(20 * KiB))
            self.assertEqual([4, 8, 8], self.asked)

    def test_short_read(self):
        """It may be the end, so that nobody waits for more."""
        body = self.body(bytes(self.SIZE), short=[2])
        self.assertEqual(4 * KiB + 1, len(body.read(self.SIZE)))

    def test_reads_that_are_left_alone(self):
        for args in ((), (-1,), (None,), (4 * KiB,), (0,)):
            self.body(b'123').read(*args)
            self.assertEqual([*args] or [-1], self.sender.asked)

    @hypothesis.given(st.binary(max_size=99), st.lists(st.integers(0, 20)))
    def test_any_size(self, data, sizes):
        self.patch('glance_progress.driver.arrivals._SMALLEST', 2)
        body = self.body(data)
        taken = b''
        for size in sizes:
            taken += body.read(size)
            self.assertEqual(data[:len(taken)], taken)
        self.assertEqual(data, taken + body.read())

    def test_the_rest_is_the_bodys_own(self):
        body = self.body(b'1\n23\n')
        self.assertEqual([b'1\n', b'23\n'], list(body))
        body.close()
        self.assertTrue(self.sender.closed)
        self.assertRaises(AttributeError, getattr, body, 'nothing')

    def test_what_fails_is_raised(self):
        body = self.body(b'1')
        self.sender.close()
        self.assertRaises(ValueError, body.read, self.SIZE)

    def test_forgotten_uploads(self):
        body = self.body(b'123')
        body.forget()
        self.assertEqual(b'123', body.read(9))
        self.assertEqual([], self.upload.sizes)
