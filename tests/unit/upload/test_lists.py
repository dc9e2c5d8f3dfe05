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

import pathlib

import fixtures

from glance_progress.upload import item
from glance_progress.upload import lists
from tests.unit import base

MANAGED = """
images:
  - name: Ubuntu 24.04
    enable: true
    shortname: ubuntu-24.04
    format: qcow2
    login: ubuntu
    min_disk: 8
    min_ram: 512
    status: active
    visibility: public
    multi: true
    meta: {os_distro: ubuntu, hw_disk_bus: scsi, hw_machine_type: null}
    tags: [lts]
    versions:
      - version: '20240910'
        url: https://images.example/10.img
        mirror_url: https://mirror.example/10.qcow2
        checksum: sha256:%s
        build_date: 2024-09-10
      - version: '20240909'
        url: https://images.example/9.img
  - name: Cirros
    format: qcow2
    login: cirros
    multi: false
    meta: {}
    tags: []
    visibility: public
    versions:
      - {version: 0.6.2, url: 'file:///images/cirros.qcow2'}
  - {name: Old, enable: false, versions: []}
""" % ('0' * 64)


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def read(self, text):
        path = self.folder / 'images.yaml'
        path.write_text(text)
        return lists.read(path)


class TestOwn(TestCase):

    def one(self, text):
        (entry,), _ = self.read('images: [{name: a, file: a.raw, %s}]' % text)
        return entry

    def test_file_is_beside_the_list(self):
        entry = self.one('store: ceph, kernel: a.vmlinuz, protected: true')
        self.assertEqual(
            (self.folder / 'a.raw', ('ceph',), self.folder / 'a.vmlinuz',
             None, True),
            (entry.location, entry.stores, entry.kernel, entry.ramdisk,
             entry.protected))

    def test_properties(self):
        entry = self.one('meta: {a: 1, b: x}, properties: {b: true}')
        self.assertEqual({'a': '1', 'b': 'True'}, entry.properties)

    def test_what_is_wrong(self):
        for text in ('visibility: everybody', 'min_disk: -1', 'min_ram: much',
                     'checksum: abc', 'meta: [a]', 'properties: a',
                     'tags: lts', 'tags: {a: b}', 'stores: 5',
                     'versions: [{meta: 1}]', r'file: "\0"',
                     r'kernel: "\0"'):
            self.assertIsNotNone(self.one(text).wrong, text)
        (entry,), _ = self.read('images: [{name: a, url: "ftp://a/b"}]')
        self.assertIn('URL', entry.wrong)
        (entry,), _ = self.read('images: [{name: a, url: "http://["}]')
        self.assertIn('URL', entry.wrong)

    def test_what_is_unknown_is_named(self):
        _, ignored = self.read('images: [{name: a, file: b, colour: red}]')
        self.assertIn('colour of a', ignored[0])

    def test_no_list(self):
        for text in ('', '[]', 'images: 1', 'images: [{file: a}]', '{'):
            self.assertRaises(item.Wrong, self.read, text)
        self.assertRaises(item.Wrong, lists.read, self.folder / 'none')


class TestManaged(TestCase):

    def test_versions(self):
        entries, ignored = self.read(MANAGED)
        self.assertEqual(
            [('Ubuntu 24.04 (20240909)', 'https://images.example/9.img'),
             ('Ubuntu 24.04', 'https://mirror.example/10.qcow2'),
             ('Cirros 0.6.2', pathlib.Path('/images/cirros.qcow2'))],
            [(each.name, each.location) for each in entries])
        self.assertEqual(
            ['shortname of Ubuntu 24.04: it means nothing here',
             'Old: it is not enabled'], ignored)

    def test_values(self):
        (_, newest, cirros), _ = self.read(MANAGED)
        self.assertEqual({
            'os_distro': 'ubuntu', 'hw_disk_bus': 'scsi',
            'image_description': 'Ubuntu 24.04', 'image_name': 'Ubuntu 24.04',
            'internal_version': '20240910', 'image_original_user': 'ubuntu',
            'image_source': 'https://images.example/10.img',
            'image_build_date': '2024-09-10'}, newest.properties)
        self.assertEqual(
            ('qcow2', 'public', 8, 512, ('lts', 'os:ubuntu')),
            (newest.disk_format, newest.visibility, newest.min_disk,
             newest.min_ram, newest.tags))
        self.assertEqual(
            ('file:cirros.qcow2', '0.6.2'),
            tuple(cirros.properties[name]
                  for name in ('image_source', 'os_version')))

    def test_nine_comes_before_ten(self):
        entries, _ = self.read('''
images: [{name: a, multi: true, versions: [
  {version: '1.10', url: "http://a/10"}, {version: '1.9', url: "http://a/9"},
]}]''')
        self.assertEqual([('a (1.9)', 'http://a/9'), ('a', 'http://a/10')],
                         [(each.name, each.location) for each in entries])
