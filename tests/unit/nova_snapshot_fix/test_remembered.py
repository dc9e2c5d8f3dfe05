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


import dataclasses

import hypothesis
from hypothesis import strategies
import testtools

from nova_snapshot_fix import remembered

PREFIX = remembered.PREFIX

texts = strategies.text(max_size=255)
metadata = strategies.dictionaries(texts, strategies.none() | texts)


def a_memory(**fields):
    return dataclasses.replace(
        remembered.Remembered('a', 'b', 'req-1', {'image_x': 'y'},
                              {'os_type': None}), **fields)


class TestRemembered(testtools.TestCase):

    @hypothesis.given(metadata, strategies.dictionaries(
        strategies.sampled_from(remembered.COLUMNS),
        strategies.none() | strategies.booleans() | texts))
    def test_round_trip(self, image_metadata, columns):
        memory = a_memory(image_metadata=image_metadata, columns=columns)
        packed = remembered.pack(memory)
        self.assertEqual(memory, remembered.unpack(packed))
        for key, value in packed.items():
            self.assertTrue(key.startswith(PREFIX))
            self.assertLessEqual(len(value), 255)
            # so that no character set of a database is too small
            self.assertTrue(value.isascii())

    def test_more_than_ten_pieces(self):
        memory = a_memory(image_metadata={'image_x': 'y' * 3000})
        packed = remembered.pack(memory)
        self.assertGreater(len(packed), 10)
        self.assertEqual(
            memory, remembered.unpack(dict(sorted(packed.items()))))

    def test_among_others(self):
        memory = a_memory()
        packed = remembered.pack(memory)
        found = {'image_x': 'z', 'boot_roles': 'member', **packed}
        self.assertEqual(memory, remembered.unpack(found))
        self.assertEqual(set(packed), remembered.keys(found))
        self.assertEqual({'image_x': 'z'}, remembered.image_metadata(found))

    def test_nothing_of_use(self):
        whole = remembered.pack(a_memory())[PREFIX + '0']
        for found in (
            {},
            {PREFIX + '0': None},
            {PREFIX + '0': whole[:-1]},
            {PREFIX + '1': whole},
            {PREFIX + 'x': whole},
            {PREFIX + '0': '[]'},
            {PREFIX + '0': '{}'},
            {PREFIX + '0': whole.replace('"a"', '1')},
            {PREFIX + '0': whole.replace('"req-1"', '1')},
            {PREFIX + '0': whole.replace('"y"', '1')},
            {PREFIX + '0': whole.replace('"y"', 'true')},
            {PREFIX + '0': whole.replace('{"os_type":null}', '"os_type"')},
            {PREFIX + '0': whole.replace('columns', 'others')},
            {PREFIX + '0': whole.replace('false', '1')},
        ):
            self.assertIsNone(remembered.unpack(found), found)

    def test_of_another_version(self):
        """What it has more is left out, and what no rebuild takes as well."""
        whole = remembered.pack(a_memory())[PREFIX + '0']
        self.assertEqual(a_memory(), remembered.unpack({
            PREFIX + '0': whole.replace(
                '"image_ref"', '"launched_at":null,"image_ref"').replace(
                    '"os_type":null', '"os_type":null,"uuid":"x"')}))
        self.assertEqual(a_memory(), remembered.unpack({
            PREFIX + '0': whole.replace(',"written":false', '')}))
        self.assertEqual(a_memory(written=True), remembered.unpack(
            remembered.pack(a_memory(written=True))))
