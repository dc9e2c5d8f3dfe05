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

import json
import os
import pathlib
import struct

import fixtures
import testtools

from glance_progress.upload import item
from tests.unit import base

try:
    from glance_progress.upload import formats
    from glance_progress.upload import paths
except ImportError:  # what is beside an old Glance
    formats = paths = None

#: What a qcow2 file begins with: 1 MiB, without and with a backing file.
QCOW2 = struct.pack('>4sIQIIQ', b'QFI\xfb', 2, 0, 0, 16, 1 << 20) + bytes(992)
BACKED = struct.pack('>4sIQIIQ', b'QFI\xfb', 2, 72, 9, 16, 1 << 20) + bytes(
    992)


@testtools.skipIf(formats is None, 'needs oslo.utils 7.3')
class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def write(self, name, content=b'data'):
        path = self.folder / name
        path.write_bytes(content)
        return path


class TestFormats(TestCase):

    def test_names(self):
        for path, name in (('full.qcow2', 'full'), ('a.b.img', 'a.b'),
                           ('full.vmlinuz', 'full-vmlinuz'),
                           ('ipa.initramfs', 'ipa-initramfs'),
                           ('image', 'image'), ('image.bin', 'image.bin')):
            self.assertEqual(name, formats.name(pathlib.Path(path)))

    def test_detect(self):
        for name, content, wanted, found in (
                ('a.img', QCOW2, None, 'qcow2'), ('a', b'x', None, 'raw'),
                ('a.qcow2', QCOW2, 'qcow2', 'qcow2'),
                ('a.raw', bytes(510) + b'\x55\xaa', None, 'raw'),
                ('a.img', b'x', 'aki', 'aki')):
            self.assertEqual(
                found, formats.detect(self.write(name, content), wanted))

    def test_what_is_wrong(self):
        for name, content, wanted, said in (
                ('a.qcow2', b'x', None, 'is raw, not qcow2'),
                ('a.raw', QCOW2, None, 'is qcow2, not raw'),
                ('a.img', QCOW2, 'raw', 'is qcow2, not raw'),
                ('a.qcow2', BACKED, None, 'not safe'),
                ('a.img.gz', b'x', None, 'compressed')):
            exc = self.assertRaises(
                item.Wrong, formats.detect, self.write(name, content), wanted)
            self.assertIn(said, str(exc))


class TestFind(TestCase):

    def find(self, *names):
        return paths.find([str(self.folder / name) for name in names])

    def names(self, found):
        return [each.name for each in found.items]

    def test_folder(self):
        self.write('README.md')
        for suffix in ('vmlinuz', 'initrd', 'raw'):
            self.write('full.' + suffix)
        self.write('other.img')
        found = self.find('')
        self.assertEqual(
            ['full-initrd', 'full-vmlinuz', 'full', 'other'],
            self.names(found))
        ramdisk, kernel, full, other = found.items
        self.assertEqual([('kernel_id', kernel), ('ramdisk_id', ramdisk)],
                         list(full.parts()))
        self.assertEqual([], list(other.parts()))
        self.assertEqual(('aki', 'aki', 'ari', 'raw', 'bare'), (
            kernel.disk_format, kernel.container_format,
            ramdisk.disk_format, full.disk_format, full.container_format))
        self.assertIn('README.md', found.ignored[0])

    def test_kernel_comes_with_a_file(self):
        self.write('full.kernel')
        self.write('full.raw')
        self.assertEqual(
            ['full-kernel', 'full'], self.names(self.find('full.raw')))

    def test_a_file_that_is_named_twice(self):
        self.write('a.raw')
        self.assertEqual(['a'], self.names(self.find('', 'a.raw')))

    def test_a_name_that_two_have(self):
        self.write('a.raw')
        self.write('a.img')
        first, second = self.find('').items
        self.assertIs(first, second.after)
        self.assertIsNone(first.after)

    def test_what_is_wrong_is_kept(self):
        self.write('empty.raw', b'')
        self.write('list.yaml', b'images: 1')
        found = self.find('empty.raw', 'none.raw', 'list.yaml')
        self.assertEqual(['empty', 'none', 'list.yaml'], self.names(found))
        self.assertTrue(all(each.wrong for each in found.items))

    def test_links(self):
        self.write('a.raw')
        for name, target in (('b.raw', 'a.raw'), ('gone.raw', 'nowhere'),
                             ('loop.raw', 'loop.raw'), ('loop', 'loop'),
                             ('same', '.')):
            (self.folder / name).symlink_to(target)
        found = self.find('', 'loop.raw', 'same')
        self.assertEqual(
            [('a', False), ('gone', True), ('loop', True)],
            [(each.name, each.wrong is not None) for each in found.items])
        ignored = '\n'.join(found.ignored)
        self.assertIn('b.raw: it is the file of a', ignored)
        self.assertIn('same: it is a folder', ignored)

    def test_odd_names(self):
        content = b'data'
        for name in ('a b.raw', 'line\nend.raw', '\U0001f4be.raw',
                     'x' * 251 + '.raw'):
            self.write(name, content)
        found = self.find('')
        self.assertEqual({None}, {each.wrong for each in found.items})
        self.assertEqual(4, len(found.items))
        self.write(os.fsdecode(b'\xff.raw'), content)
        wrong, = (each.wrong for each in self.find('').items if each.wrong)
        self.assertIn('UTF-8', wrong)

    def test_no_name_at_all(self):
        found = self.find('x' * 300 + '.raw', 'none/a.raw')
        self.assertTrue(all(each.wrong for each in found.items))

    def test_folder_that_cannot_be_read(self):
        def refuse(path):
            raise PermissionError(13, 'Permission denied')

        self.patch('pathlib.Path.iterdir', refuse)  # root may read all
        self.assertIn('Permission denied', self.find('').items[0].wrong)

    def test_pipe(self):
        os.mkfifo(self.folder / 'a.raw')
        self.assertIn('no file', self.find('').items[0].wrong)

    def test_folder_without_images(self):
        self.assertIsNotNone(self.find('').items[0].wrong)

    def test_list(self):
        self.write('a.data', QCOW2)
        self.write('vmlinuz-6.1')
        self.write('images.yml', json.dumps({'images': [
            {'name': 'A', 'file': 'a.data', 'kernel': 'vmlinuz-6.1',
             'visibility': 'public', 'checksum': 'md5:' + '0' * 32},
            {'name': 'B', 'url': 'http://127.0.0.1/b.qcow2'},
            {'name': 'C', 'url': 'http://127.0.0.1/c', 'format': 'iso'},
            {'name': 'D', 'url': 'http://127.0.0.1/d.xz', 'format': 'raw'},
        ]}).encode())
        kernel, a, b, c, d = self.find('images.yml').items
        self.assertEqual(
            ('qcow2', kernel, 'public', 'md5:' + '0' * 32, 'aki'),
            (a.disk_format, a.kernel, a.visibility, a.checksum,
             kernel.disk_format))
        self.assertIn('format', b.wrong)
        self.assertEqual((None, 'iso'), (c.wrong, c.disk_format))
        self.assertIn('compressed', d.wrong)
