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
import os
import pathlib
import subprocess
import sys

import fixtures

from glance_progress.imports import files
from tests.unit import base

KiB = 1024

# Reads half of a file, writes as much to another, and waits to be ended.
_HALF = """
import sys
source, target = sys.argv[-2:]
data = open(source, 'rb').read()
half = len(data) // 2
with open(source, 'rb', buffering=0) as first:
    pass
with open(target, 'wb', buffering=0) as written:
    written.truncate(len(data))
    written.write(data[:half])
    print('half', flush=True)
    sys.stdin.read()
"""


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path)
        self.source = str(self.directory / 'image')
        self.target = self.source + '.raw'
        with open(self.source, 'wb') as staged:
            staged.write(os.urandom(256 * KiB))


class HereTest(TestCase):
    """What this process itself reads."""

    def test_nothing_is_open(self):
        self.assertIsNone(files.verifying(self.source)())
        self.assertIsNone(files.decompressing(self.source, self.target)())
        self.assertIsNone(files.verifying(self.source + '.gone')())

    def test_verifying(self):
        look = files.verifying(self.source)
        with open(self.source, 'rb', buffering=0) as staged:
            for read in 0, 64, 256:
                staged.seek(read * KiB)
                self.assertEqual(
                    files.Look(read * KiB, 256 * KiB), look())

    def test_the_newest_reader_counts(self):
        with open(self.source, 'rb', buffering=0) as before:
            before.seek(0, os.SEEK_END)
            with open(self.source, 'rb', buffering=0):
                self.assertEqual(0, files.verifying(self.source)().written)

    def test_a_writer_does_not_count(self):
        with open(self.source, 'ab'):
            self.assertIsNone(files.verifying(self.source)())

    def test_decompressing(self):
        look = files.decompressing(self.source, self.target)
        with open(self.source, 'rb', buffering=0) as staged:
            staged.seek(64 * KiB)
            # Some formats do not go there until the end.
            self.assertEqual(files.Look(0, None, 0.25), look())
            with open(self.target, 'wb', buffering=0) as unpacked:
                unpacked.write(os.urandom(512 * KiB))
                os.fsync(unpacked.fileno())
                self.assertEqual(files.Look(512 * KiB, None, 0.25), look())


class ConversionTest(TestCase):

    def start(self, name='qemu-img', word='convert'):
        """Start a process that goes by a name, and return it."""
        process = subprocess.Popen(
            [name, '-c', _HALF, word, self.source, self.target],
            executable=sys.executable, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdin.close)
        self.assertEqual(b'half\n', process.stdout.readline())
        return process

    def test_conversion(self):
        look = files.Conversion(self.source, lambda: self.target)
        self.assertIsNone(look())
        process = self.start()
        found = look()
        # The interpreter has read more than the file.
        self.assertEqual((None, 1.0), (found.total, found.position))
        self.assertGreater(found.written, 0)
        process.stdin.close()
        process.wait()
        self.assertIsNone(look())

    def test_before_the_target_is_known(self):
        self.assertIsNone(files.Conversion(self.source, lambda: '')())

    def test_others_are_passed_over(self):
        for name, word in (('sh', 'convert'), ('qemu-img', 'info')):
            self.start(name, word)
            self.assertIsNone(
                files.Conversion(self.source, lambda: self.target)())


class PartTest(TestCase):

    def test_part(self):
        self.assertEqual(0.5, files._part(128 * KiB, self.source))
        self.assertEqual(1.0, files._part(512 * KiB, self.source))
        self.assertIsNone(files._part(1, self.source + '.gone'))

    def test_sparse(self):
        with open(self.source, 'r+b') as staged:
            staged.truncate(2 ** 30)
        self.assertEqual(0.5, files._part(128 * KiB, self.source))

    def test_local(self):
        self.assertEqual('/a/b', files.local('file:///a/b'))
        self.assertEqual('/a/b', files.local('/a/b'))
