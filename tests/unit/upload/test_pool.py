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

import threading

from glance_progress.upload import item
from glance_progress.upload import pool
from glance_progress.upload import reading
from glance_progress.upload import tasks
from tests.unit import base


class TestPool(base.TestCase):

    def setUp(self):
        super().setUp()
        self.stopped = threading.Event()
        self.done = []

    def work(self, task):
        self.done.append(task.item.name)
        task.end(tasks.UPLOADED)

    def pool(self, items, workers, work=None):
        made = pool.Pool(
            tasks.of(items), work or self.work, workers, self.stopped)
        made.start()
        return made

    def test_parts_come_before_wholes(self):
        kernel, other = item.Item('kernel'), item.Item('other')
        whole = item.Item('whole', kernel=kernel)
        for workers in (1, 3):
            self.done = []
            made = self.pool([kernel, whole, other], workers)
            self.assertTrue(made.wait(base.PATIENCE))
            self.assertEqual({'kernel', 'whole', 'other'}, set(self.done))
            self.assertLess(
                self.done.index('kernel'), self.done.index('whole'))

    def test_part_that_takes_its_time(self):
        """Others go on meanwhile, and its whole waits."""
        kernel, other = item.Item('kernel'), item.Item('other')
        whole = item.Item('whole', kernel=kernel, after=None)
        go = threading.Event()

        def work(task):
            if task.item is kernel:
                go.wait(base.PATIENCE)
            self.work(task)
            if task.item is other:
                go.set()

        self.assertTrue(self.pool(
            [kernel, whole, other], 2, work).wait(base.PATIENCE))
        self.assertEqual(['other', 'kernel', 'whole'], self.done)

    def test_several_at_once(self):
        together = threading.Barrier(3, timeout=base.PATIENCE)

        def work(task):
            together.wait()
            self.work(task)

        self.assertTrue(self.pool(
            [item.Item(str(n)) for n in range(3)], 3, work).wait(
                base.PATIENCE))
        self.assertEqual(3, len(self.done))

    def test_same_name(self):
        first = item.Item('a')
        made = self.pool([first, item.Item('a', after=first)], 2)
        self.assertTrue(made.wait(base.PATIENCE))

    def test_stopped(self):
        def work(task):
            self.stopped.set()
            raise reading.Interrupted

        made = self.pool([item.Item('a'), item.Item('b')], 1, work)
        self.assertTrue(made.wait(base.PATIENCE))
        self.assertEqual([], self.done)

    def test_wait_gives_up(self):
        go = threading.Event()
        self.addCleanup(go.set)
        made = self.pool([item.Item('a')], 1,
                         lambda task: go.wait(base.PATIENCE))
        self.assertFalse(made.wait(0.01))
