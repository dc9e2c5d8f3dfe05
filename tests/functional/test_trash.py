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

"""What lives is not moved to Ceph's trash, or comes back at once."""

from __future__ import annotations

from typing import Any
from unittest import mock

import rbd

from glance_progress.ceph import holdings
from glance_progress.ceph import journal
from glance_progress.ceph import places
from glance_progress.ceph import trash
from tests.functional import base
from tests.functional import services


class TrashTest(base.TestCase):

    def setUp(self) -> None:
        super().setUp()
        self.place = places.Place(
            'ceph', services.POOL, services.CEPH_USER,
            str(self.ceph.client_conf))
        self.pool = self.ioctx()
        self.name = self.image_id()
        self.make()

    def make(self) -> None:
        rbd.RBD().create(self.pool, self.name, 4096, old_format=False)

    def look(self) -> holdings.Data:
        data = holdings.look(self.pool, self.place, self.name)
        assert data is not None
        return data

    def in_trash(self) -> list[trash.Entry]:
        return [each for each in trash.entries(self.pool, self.place)
                if each.name == self.name]

    def refused(self, data: holdings.Data, **kwargs: Any) -> None:
        self.assertRaises(trash.Alive, trash.move, self.pool, data, 60,
                          **kwargs)
        self.assertEqual([], self.in_trash())
        self.assertIn(self.name, rbd.RBD().list(self.pool))

    def test_there_and_back(self) -> None:
        data = self.look()
        trash.move(self.pool, data, 3600)
        self.assertNotIn(self.name, rbd.RBD().list(self.pool))
        entry, = self.in_trash()
        self.assertRaises(rbd.PermissionError, rbd.RBD().trash_remove,
                          self.pool, entry.rbd_id)
        trash.restore(self.pool, entry)
        self.assertEqual(data, self.look())

    def test_another_of_its_name(self) -> None:
        trash.move(self.pool, self.look(), 3600)
        self.make()
        entry, = self.in_trash()
        self.assertRaises(trash.InTheWay, trash.restore, self.pool, entry)

    def test_open(self) -> None:
        closed = self.look()
        with rbd.Image(self.ioctx(), self.name):
            self.refused(self.look())
            self.refused(closed)
            # It was opened just then: Ceph would let it go.
            with mock.patch.object(holdings, 'look', lambda *args: closed):
                self.refused(closed)

    def test_replaced(self) -> None:
        before = self.look()
        rbd.RBD().remove(self.pool, self.name)
        self.make()
        self.refused(before)
        with mock.patch.object(holdings, 'look', lambda *args: before):
            self.refused(before)

    def test_named_meanwhile(self) -> None:
        self.refused(self.look(), allowed=lambda: False)

    def test_what_is_seen(self) -> None:
        data = self.look()
        self.assertEqual((4096, False, False, None), (
            data.size, data.watched, data.finished, data.held))
        with rbd.Image(self.pool, self.name) as image:
            image.create_snap(holdings.SNAPSHOT)
            image.protect_snap(holdings.SNAPSHOT)
        self.assertTrue(self.look().finished)
        child = self.image_id()
        rbd.RBD().clone(self.pool, self.name, holdings.SNAPSHOT, self.pool,
                        child)
        self.assertEqual('it has clones', self.look().held)
        self.name = child
        self.assertTrue(self.look().cloned)
        with rbd.Image(self.pool, child) as image:
            image.lock_exclusive('mine')
        self.assertIn('locked', self.look().held or '')

    def test_lock_and_journal(self) -> None:
        first, second = journal.Lock(self.pool), journal.Lock(self.ioctx())
        first.renew()
        self.assertRaises(journal.Locked, second.renew)
        first.renew()
        first.release()
        second.renew()
        second.release()
        journal.write(self.pool, 'abc', {'why': 'é'})
        self.assertEqual({'why': 'é'}, journal.read(self.ioctx())['abc'])
        journal.erase(self.pool, 'abc')
        self.assertNotIn('abc', journal.read(self.pool))
