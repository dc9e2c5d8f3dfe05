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

import gc
import subprocess
import sys
import threading
import weakref

import fixtures
import testtools

from glance_progress.ceph import address

# Prints whether it was called in a thread of its own and others came to their
# turn meanwhile, before and after a fork, and so of eventlet's own threads.
GREEN = """
import eventlet
eventlet.monkey_patch()
from eventlet import patcher
from eventlet import tpool
import os
import time
from glance_progress.ceph import address
native = patcher.original('threading')
sleep = patcher.original('time').sleep
turns = []


def tick():
    while True:
        turns.append(1)
        time.sleep(0.01)


def connect():
    sleep(0.5)
    return native.current_thread() is not native.main_thread()


eventlet.spawn(tick)
print(address.unique(connect), len(turns) > 1)
pid = os.fork()
if pid:
    os.waitpid(pid, 0)
else:
    eventlet.hubs.use_hub()  # as Glance does
    del turns[:]
    eventlet.spawn(tick)
    print(address.unique(connect), len(turns) > 1)
    pools = [eventlet.spawn(address.unique, connect) for _ in range(20)]
    print(all(each.wait() for each in pools))
    print(tpool.execute(address.unique, connect))
"""


class Client:
    """Can be referred to weakly."""


class TestUnique(testtools.TestCase):

    def test_another_thread(self):
        thread = address.unique(threading.current_thread)
        self.assertIsNot(threading.current_thread(), thread)
        self.assertFalse(thread.is_alive())

    def test_in_one_that_has_begun_since(self):
        def run():
            called_in.append(address.unique(threading.current_thread))

        called_in = []
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        self.assertEqual([thread], called_in)

    def test_what_it_raises(self):
        seen = []

        def connect():
            client = Client()
            seen.append(weakref.ref(client))
            raise OSError('no Ceph')
        gc.disable()
        self.addCleanup(gc.enable)
        try:
            address.unique(connect)
        except OSError as exc:
            self.assertEqual('no Ceph', str(exc))
        self.assertIsNone(seen[0]())

    def test_no_thread_can_be_started(self):
        def start(thread):
            raise RuntimeError("can't create new thread")
        self.useFixture(fixtures.MonkeyPatch('threading.Thread.start', start))
        self.assertIs(threading.current_thread(),
                      address.unique(threading.current_thread))

    def test_green(self):
        done = subprocess.run(
            [sys.executable, '-W', 'ignore', '-c', GREEN], timeout=60,
            capture_output=True, text=True)
        if 'No module named' in done.stderr:
            self.skipTest('there is no eventlet here')
        self.assertEqual('', done.stderr)
        self.assertEqual(['True True', 'True True', 'True', 'True'],
                         done.stdout.splitlines())
