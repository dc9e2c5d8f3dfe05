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

import hashlib
import os
import pathlib
import threading

import fixtures

from glance_progress.upload import reading
from glance_progress.upload import sources
from glance_progress.upload import zeros
from tests.unit import base

MiB = 1024 * 1024


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path) / 'file'

    def file(self, content):
        self.path.write_bytes(content)
        return sources.File(self.path)


class TestReading(TestCase):

    def reading(self, content, chunk_size=MiB):
        self.stopped = threading.Event()
        return reading.Reading(
            self.file(content), ('sha512', 'md5'), chunk_size, self.stopped)

    def test_each_time_anew(self):
        content = os.urandom(MiB + 5) + bytes(2 * MiB)
        body = self.reading(content)
        self.assertEqual(len(content), len(body))
        for _ in range(2):
            self.assertEqual(content, b''.join(body))
            self.assertEqual(len(content), body.sent)
            self.assertEqual(
                {'sha512': hashlib.sha512(content).hexdigest(),
                 'md5': hashlib.md5(content).hexdigest()}, body.digests)
            # The second MiB begins with five bytes that are none.
            self.assertEqual(MiB + 5, body.zeros.bytes)

    def test_stopped(self):
        body = iter(self.reading(bytes(3 * MiB)))
        next(body)
        self.stopped.set()
        self.assertRaises(reading.Interrupted, next, body)

    def test_no_digest_of_a_part(self):
        body = self.reading(bytes(3 * MiB))
        next(iter(body))
        self.assertEqual({}, body.digests)

    def test_as_curl_calls_it(self):
        self.assertEqual('@%s' % self.path, str(self.reading(b'a')))


class TestZeros(base.TestCase):

    def count(self, *parts, chunk_size=4):
        counter = zeros.Counter(chunk_size)
        for part in parts:
            counter.add(part)
        counter.end()
        return counter.bytes

    def test_chunks_of_the_store(self):
        self.assertEqual(0, self.count(b'\0\0\0a', b'b\0\0\0'))
        self.assertEqual(4, self.count(b'\0\0\0', b'\0b\0\0\0'))
        self.assertEqual(8, self.count(bytes(8), b'abcd'))
        self.assertEqual(2, self.count(b'abcd', bytes(2)))
        self.assertEqual(0, self.count())
        self.assertEqual(3 * MiB, self.count(
            bytes(MiB), bytes(2 * MiB), chunk_size=8 * MiB))


class TestFile(TestCase):

    def test_chunks(self):
        file = self.file(bytes(2 * MiB + 1))
        self.assertEqual([MiB, MiB, 1], [len(each) for each in file.chunks()])

    def test_changed(self):
        file = self.file(b'data')
        self.path.write_bytes(b'other data')
        self.assertRaises(sources.Unreadable, list, file.chunks())

    def test_changed_while_it_is_read(self):
        chunks = self.file(bytes(2 * MiB)).chunks()
        next(chunks)
        os.truncate(self.path, MiB)
        self.assertRaises(sources.Unreadable, list, chunks)

    def test_no_such_file(self):
        exc = self.assertRaises(
            sources.Unreadable, sources.File, self.path / 'none')
        self.assertIn('none', str(exc))
