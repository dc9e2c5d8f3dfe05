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

"""Looks at RBD images in a real Ceph, with the rights that Glance may have."""

from __future__ import annotations

from typing import Any

import rbd

from glance_progress.ceph import look
from tests.functional import nova_snapshots
from tests.functional import services

OBJECT = nova_snapshots.OBJECT


class LookTest(nova_snapshots.TestCase):

    def setUp(self) -> None:
        super().setUp()
        self.as_glance = self.pool_as(services.CEPH_USER, services.POOL)
        self.as_reader = self.pool_as(services.READER, services.POOL)

    def look(self, image_id: str) -> look.Seen:
        """Return what both users see, which is the same."""
        def same() -> look.Seen | None:
            # The object that is under way may get its mark in between.
            seen = look.look(self.as_glance, image_id)
            other = look.look(self.as_reader, image_id)
            return seen if seen == other else None
        return self.wait_for(same)

    def test_nothing_there(self) -> None:
        self.assertIsNone(look.look(self.as_glance, self.image_id()))
        self.assertIsNone(
            look.objects_of(self.as_glance, self.image_id(), OBJECT))

    def test_a_flatten(self) -> None:
        image_id = self.image_id()
        self.clone(self.disk(40, [*range(10), 30, 31]), image_id)
        seen = self.look(image_id)
        self.assertEqual(
            (40 * OBJECT, OBJECT, 40 * OBJECT, 0, 0, True),
            (seen.size, seen.object_size, seen.overlap, seen.existing,
             seen.reached, seen.quick))
        flattening = self.flatten(image_id)
        flattening.go_to(6)
        half = self.look(image_id)
        self.assertEqual(40 * OBJECT, half.overlap)
        self.assertIn(half.existing, (6, 7, 8))
        self.assertEqual(half.existing, half.reached)
        flattening.go_to(31)
        self.assertIn(self.look(image_id).reached, (31, 32))
        flattening.finish()
        seen = self.look(image_id)
        self.assertEqual((None, 12, 32),
                         (seen.overlap, seen.existing, seen.reached))

    def test_created_at(self) -> None:
        image_id = self.image_id()
        self.clone(self.disk(1, []), image_id)
        with rbd.Image(self.images, image_id) as image:
            created = image.create_timestamp()
        seen = self.look(image_id)
        assert seen.created_at is not None
        self.assertEqual(
            created.replace(microsecond=0).timestamp(), int(seen.created_at))

    def test_objects_of_a_disk(self) -> None:
        image_id = self.image_id()
        self.clone(self.disk(20, [3, 4, 19]), image_id)
        self.assertEqual([3, 4, 19], self.objects(self.as_reader, image_id))

    def test_objects_of_a_disk_that_is_a_clone(self) -> None:
        base = self.base_image(10, [0, 1, 2, 9])
        disk = self.disk(20, [2, 3, 15], of=base)
        image_id = self.image_id()
        self.clone(disk, image_id)
        self.assertEqual([0, 1, 2, 3, 9, 15],
                         self.objects(self.as_reader, image_id))

    def test_objects_without_the_right_to_read_disks(self) -> None:
        image_id = self.image_id()
        self.clone(self.disk(20, [3]), image_id)
        self.assertRaises(
            look.Unreadable, look.objects_of, self.as_glance, image_id,
            OBJECT)

    def objects(self, ioctx: Any, image_id: str) -> list[int]:
        found = look.objects_of(ioctx, image_id, OBJECT)
        assert found is not None
        return list(found)

    def test_objects_larger_than_those_of_the_disk(self) -> None:
        image_id = self.image_id()
        self.clone(self.disk(20, [0, 1, 3, 8]), image_id)
        found = look.objects_of(self.as_reader, image_id, 4 * OBJECT)
        self.assertEqual([0, 2], list(found or ()))

    def test_without_an_object_map(self) -> None:
        image_id = self.image_id()
        self.clone(self.disk(20, list(range(20))), image_id,
                   nova_snapshots.PLAIN)
        self.flatten(image_id).go_to(5)
        seen = look.look(self.as_reader, image_id)
        assert seen is not None
        self.assertFalse(seen.quick)
        self.assertIn(seen.reached, (5, 6))
        blind = look.look(self.as_glance, image_id)
        assert blind is not None
        self.assertEqual((20 * OBJECT, None, None, False), (
            blind.overlap, blind.existing, blind.reached, blind.quick))

    def test_an_invalid_object_map(self) -> None:
        image_id = self.image_id()
        self.clone(self.disk(20, [1]), image_id)
        with rbd.Image(self.images, image_id) as image:
            header = 'rbd_header.' + image.id()
        # As librbd does when it cannot save it: the flags, and which of them.
        self.images.execute(
            header, 'rbd', 'set_flags', (1).to_bytes(8, 'little') * 2)
        seen = look.look(self.as_reader, image_id)
        assert seen is not None
        self.assertFalse(seen.quick)

    def test_a_large_object_map(self) -> None:
        image_id = self.image_id()
        size = 4 * 2 ** 40
        rbd.RBD().create(self.images, image_id, size, order=22,
                         old_format=False, features=nova_snapshots.QUICK)
        with rbd.Image(self.images, image_id) as image:
            image.write(b'x', 0)
            image.write(b'x', size - 1)
        seen = self.look(image_id)
        self.assertEqual((2, 2 ** 20), (seen.existing, seen.reached))

    def test_it_holds_nothing(self) -> None:
        image_id = self.image_id()
        disk = self.disk(20, [1, 2])
        self.clone(disk, image_id)
        self.look(image_id)
        self.objects(self.as_reader, image_id)
        with rbd.Image(self.images, image_id, read_only=True) as image:
            self.assertEqual([], list(image.watchers_list()))
            self.assertEqual({}, dict(image.list_lockers()))
        rbd.RBD().remove(self.images, image_id)
        with rbd.Image(self.vms, disk) as image:
            image.unprotect_snap('snap')
            image.remove_snap('snap')
        rbd.RBD().remove(self.vms, disk)
