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
import subprocess
import sys
import threading
import types

from glance_progress import process
from tests.unit import base


class TestPerProcess(base.TestCase):

    def setUp(self):
        super().setUp()
        self.made = []
        self.holder = process.PerProcess(self.make)

    def make(self, *args):
        self.made.append(args)
        return object()

    def test_one_object(self):
        self.assertIsNone(self.holder.made())
        first = self.holder.get('a')
        self.assertIs(first, self.holder.get('b'))
        self.assertIs(first, self.holder.made())
        self.assertEqual([('a',)], self.made)

    def test_reset(self):
        first = self.holder.get()
        self.holder.reset()
        self.assertIsNone(self.holder.made())
        self.assertIsNot(first, self.holder.get())

    def test_failure_to_make(self):
        holder = process.PerProcess(int)
        self.assertRaises(ValueError, holder.get, 'x')
        self.assertEqual(5, holder.get('5'))

    def test_fork(self):
        first = self.holder.get()

        def child():
            before = self.holder.made()
            second = self.holder.get()
            return '%s %s %s' % (
                before, second is first, second is self.holder.get())

        self.assertEqual('None False True', base.in_child(child))
        self.assertIs(first, self.holder.get())

    def test_a_child_inherits(self):
        holder = process.PerProcess(self.make, inherit=lambda made: [made])
        holder._made = (0, 'of the parent')
        self.assertEqual(['of the parent'], holder.get())
        self.assertEqual([], self.made)

    def test_fork_while_another_thread_makes(self):
        with self.holder._own_lock():
            self.assertEqual('made', base.in_child(
                lambda: self.holder.get() and 'made'))

    def test_two_threads_make_one(self):
        together = threading.Barrier(2)

        def make():
            try:
                together.wait(0.1)  # for as long as another may come in
            except threading.BrokenBarrierError:
                pass
            return object()

        holder = process.PerProcess(make)
        results = [self.in_thread(holder.get) for _ in range(2)]
        self.assertIs(results[0](), results[1]())


class TestSurroundings(base.TestCase):
    """Stand-ins for modules that only other processes have."""

    def module(self, name, **attributes):
        module = types.ModuleType(name)
        vars(module).update(attributes)
        modules = {**sys.modules, name: module}
        self.patch('sys.modules', modules)

    def test_plain(self):
        self.assertFalse(process.is_green())
        self.assertTrue(process.runs_threads())

    def test_eventlet(self):
        for patched in (True, False):
            self.module('eventlet.patcher',
                        is_monkey_patched={'thread': patched}.get)
            self.assertEqual(patched, process.is_green())

    def test_uwsgi(self):
        for attributes, expected in (
            ({'has_threads': 1}, True), ({'has_threads': 0}, False), ({}, True)
        ):
            self.module('uwsgi', **attributes)
            self.assertEqual(expected, process.runs_threads())


class TestIdentity(base.TestCase):

    def test_this_process(self):
        own = process.identity()
        self.assertEqual(own, process.identity())
        self.assertIs(False, process.gone(own))

    def test_another_process(self):
        code = ('from glance_progress import process\n'
                'print(process.identity(), flush=True)\ninput()')
        child = subprocess.Popen(
            [sys.executable, '-c', code], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        with child:
            known_by = child.stdout.readline().strip()
            self.assertIs(False, process.gone(known_by))
            child.kill()
            # It has ended, though nobody has asked for its status yet.
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            self.assertIs(True, process.gone(known_by))
        self.assertIs(True, process.gone(known_by))

    def test_a_number_that_another_process_has_now(self):
        boot, namespace, pid, started = process.identity().split('/')
        self.assertIs(True, process.gone('/'.join(
            (boot, namespace, pid, str(int(started) - 1)))))

    def test_before_the_host_was_started(self):
        parts = process.identity().split('/')
        for namespace in parts[1], '1':
            self.assertIs(True, process.gone(
                '/'.join(['other', namespace, *parts[2:]])))

    def test_what_cannot_be_told(self):
        boot, _, pid, started = process.identity().split('/')
        self.assertIsNone(process.gone('/'.join((boot, '1', pid, started))))
        for nonsense in '', 'a', 'a/b/c/d', '1/2/3':
            self.assertIsNone(process.gone(nonsense))
