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

"""Tests of the order in which services come up, and of giving up."""

import threading
import time

import testtools

from allinone import command
from allinone import schedule
from allinone import service


class ScheduleTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.plan = schedule.Schedule()
        self.done = []

    def add(self, name, *after):
        self.plan.add(name, lambda: self.done.append(name), after)

    def test_each_after_those_it_needs(self):
        self.plan.add('first', lambda: (time.sleep(0.1),
                                        self.done.append('first')))
        self.add('second', 'first')
        self.add('third', 'second')
        self.plan.run()
        self.assertEqual(['first', 'second', 'third'], self.done)

    def test_side_by_side(self):
        both = threading.Barrier(2, timeout=10)
        for name in ('one', 'other'):
            self.plan.add(name, both.wait)
        self.plan.run()

    def test_nothing_begins_after_a_failure(self):
        self.plan.add('broken', lambda: 1 / 0)
        self.add('next', 'broken')
        self.assertRaises(ZeroDivisionError, self.plan.run)
        self.assertEqual([], self.done)

    def test_the_first_failure_is_told(self):
        """What comes of giving up is not, though it was added before."""
        ended = threading.Event()

        def wait():
            ended.wait(10)
            raise KeyError('the server is away')

        self.plan.add('waits', wait)
        self.plan.add('broken', lambda: 1 / 0)
        self.assertRaises(
            ZeroDivisionError, self.plan.run, give_up=ended.set)

    def test_commands_end_when_it_gives_up(self):
        errors = []

        def sync():
            try:
                command.run('keystone', ['sleep', '60'], timeout=60)
            except service.ServiceError as exc:
                errors.append(str(exc))

        def fail():
            while not command._running:
                time.sleep(0.01)
            raise ZeroDivisionError

        self.plan.add('sync', sync)
        self.plan.add('broken', fail)
        begin = time.monotonic()
        self.assertRaises(
            ZeroDivisionError, self.plan.run, give_up=command.kill_all)
        self.assertThat(time.monotonic() - begin,
                        testtools.matchers.LessThan(30))
        self.assertEqual(['keystone: status -9 from: sleep 60'], errors)
