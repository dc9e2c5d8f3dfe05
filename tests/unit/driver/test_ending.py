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

import subprocess
import sys

from tests.unit import base

# A process that ends as a worker of uwsgi does, without Python.
WORKER = """
import ctypes, os, sys, threading, types
from glance_progress.driver import ending
uwsgi = types.ModuleType('uwsgi')
uwsgi.worker_id = lambda: 2
worker = {'status': %r}
uwsgi.workers = lambda: ({'status': b'idle'}, worker)
sys.modules['uwsgi'] = uwsgi
ending.watch(lambda: %s)
ending.watch(lambda: os.write(1, b'another'))
%s
ctypes.CDLL(None).exit(30)
"""

# The answer has gone out, and what follows it is over soon.
SOON_IDLE = """
threading.Timer(0.02, worker.update, [{'status': b'idle'}]).start()
"""

PROCESS = """
import os
from glance_progress.driver import ending
ending.watch(lambda: os.write(1, b'told'))
"""


def run(program):
    return subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', program], text=True,
        capture_output=True, timeout=base.PATIENCE)


class TestEnding(base.TestCase):

    def end_worker(self, status, tell="os.write(1, b'told')", before=''):
        done = run(WORKER % (status, tell, before))
        self.assertEqual(30, done.returncode, done.stderr)
        return done.stdout

    def test_worker_that_handles_requests(self):
        for status in (b'busy', b'sig1'):
            self.assertEqual('told', self.end_worker(status))

    def test_worker_that_handles_none(self):
        """Glance waits for what else it does."""
        self.assertEqual('', self.end_worker(b'idle'))

    def test_worker_that_has_just_answered(self):
        self.assertEqual('', self.end_worker(b'busy', before=SOON_IDLE))

    def test_fault(self):
        self.assertEqual('', self.end_worker(b'busy', '1 / 0'))

    def test_any_other_process(self):
        self.assertEqual('told', run(PROCESS).stdout)
