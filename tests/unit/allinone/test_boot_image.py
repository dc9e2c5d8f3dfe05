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

"""Tests of the disk that boots."""

import pathlib

import fixtures
import testtools

from allinone.openstack import boot_image


class BootImageTest(testtools.TestCase):

    def test_sector(self):
        sector = boot_image.boot_sector('BOOT-OK')
        self.assertEqual(512, len(sector))
        self.assertEqual(b'\x55\xaa', sector[-2:])
        self.assertEqual(18, sector.count(b'BOOT-OK\r\n'))
        # The code writes what is at the address that it has as its operand.
        text = int.from_bytes(sector[0x43:0x45], 'little') - 0x7c00
        self.assertTrue(sector[text:].startswith(b'BOOT-OK\r\n'))

    def test_too_long(self):
        self.assertRaises(ValueError, boot_image.boot_sector, 'x' * 30)

    def test_disk(self):
        path = pathlib.Path(
            self.useFixture(fixtures.TempDir()).join('disk.raw'))
        boot_image.write(path, 'BOOT-OK', size=2 ** 20)
        self.assertEqual(2 ** 20, path.stat().st_size)
        self.assertIn(b'BOOT-OK', path.read_bytes())
