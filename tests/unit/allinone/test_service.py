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
import pathlib
import signal
import socket
import subprocess
import sys
import time

import fixtures
import portpicker
import psutil
import testtools

from allinone import service

# Says on stdout that it is there, starts a child, and waits for its end.
PROGRAM = """
import pathlib, signal, subprocess, sys, time
{before}
child = subprocess.Popen(['sleep', '60'])
print('child', child.pid, flush=True)
pathlib.Path('ready').touch()
time.sleep(60)
"""

CARELESS = """
import subprocess, time
child = subprocess.Popen(['sleep', '60'], start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""


class Python(service.Service):
    """Runs a small Python program as a service."""

    def __init__(self, directory, program, name='python'):
        super().__init__(name, directory)
        self.program = program

    def command(self):
        return [sys.executable, '-c', self.program]

    def ready(self):
        return (self.directory / 'ready').exists()


def alive(pid):
    """Tell whether a process runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class ServiceTestCase(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.directory = self.useFixture(fixtures.TempDir()).path

    def python(self, before='', program=None):
        made = Python(self.directory,
                      program or PROGRAM.format(before=before))
        self.addCleanup(made.stop)
        return made

    def started(self, **kwargs):
        made = self.python(**kwargs)
        made.start()
        made.wait_ready(30)
        return made

    def child_of(self, made):
        return int(made.log_tail().split()[-1])

    def wait_gone(self, pid):
        deadline = time.monotonic() + 10
        while alive(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertFalse(alive(pid))

    def test_runs_in_a_session_of_its_own(self):
        made = self.started()
        self.assertTrue(made.running)
        self.assertEqual(made.pid, os.getsid(made.pid))

    def test_stop_ends_the_process_and_its_children(self):
        made = self.started()
        pid, child = made.pid, self.child_of(made)
        made.stop()
        self.assertFalse(made.running)
        self.assertIsNone(made.pid)
        self.wait_gone(pid)
        self.wait_gone(child)

    def test_stop_twice(self):
        made = self.started()
        made.stop()
        made.stop()

    def test_stop_without_start(self):
        self.python().stop()

    def test_stop_kills_what_ignores_sigterm(self):
        made = self.started(
            before='signal.signal(signal.SIGTERM, signal.SIG_IGN)')
        pid, child = made.pid, self.child_of(made)
        made.stop(timeout=0.2)
        self.wait_gone(pid)
        self.wait_gone(child)

    def test_stop_after_a_crash_ends_the_children(self):
        made = self.started()
        pid, child = made.pid, self.child_of(made)
        os.kill(pid, signal.SIGKILL)
        self.wait_gone(pid)
        self.assertFalse(made.running)
        made.stop()
        self.wait_gone(child)

    def test_start_again(self):
        made = self.started()
        first = made.pid
        made.stop()
        made.start()
        self.assertTrue(made.running)
        self.assertNotEqual(first, made.pid)

    def test_a_later_process_finds_and_stops_it(self):
        made = self.started()
        later = Python(self.directory, '')
        self.assertEqual(made.pid, later.pid)
        later.stop()
        self.assertFalse(made.running)

    def test_a_recycled_pid_is_not_touched(self):
        stranger = subprocess.Popen(['sleep', '60'], start_new_session=True)
        self.addCleanup(stranger.wait)
        self.addCleanup(stranger.kill)
        run = pathlib.Path(self.directory, 'run')
        run.mkdir()
        # The pid of the stranger, but not its time of start.
        (run / 'python.pid').write_text(f'{stranger.pid} 1\n')
        made = self.python()
        self.assertFalse(made.running)
        self.assertRaises(service.ServiceError, made.send_signal,
                          signal.SIGTERM)
        made.stop()
        self.assertIsNone(stranger.poll())

    def test_the_time_of_start_is_that_of_proc(self):
        """tools/run-tests.sh compares it, whatever the clock says by then."""
        made = self.started()
        stat = pathlib.Path(f'/proc/{made.pid}/stat').read_text()
        self.assertEqual(
            f'{made.pid} {stat.rpartition(")")[2].split()[19]}\n',
            pathlib.Path(self.directory, 'run', 'python.pid').read_text())

    def test_stop_of_what_nobody_reaps(self):
        careless = subprocess.Popen(
            [sys.executable, '-c', CARELESS], stdout=subprocess.PIPE)
        self.addCleanup(careless.communicate)
        self.addCleanup(careless.kill)
        process = psutil.Process(int(careless.stdout.readline()))
        run = pathlib.Path(self.directory, 'run')
        run.mkdir()
        (run / 'python.pid').write_text(
            f'{process.pid} {service._started(process)}\n')
        made = self.python()
        self.assertTrue(made.running)
        made.stop()
        self.assertEqual(psutil.STATUS_ZOMBIE, process.status())
        self.assertFalse(made.running)

    def test_an_unreadable_pid_file_means_not_running(self):
        run = pathlib.Path(self.directory, 'run')
        run.mkdir()
        (run / 'python.pid').write_text('')
        self.assertFalse(self.python().running)

    def test_stop_of_a_process_that_was_stopped(self):
        made = self.started()
        made.send_signal(signal.SIGSTOP)
        begin = time.monotonic()
        made.stop(timeout=30)
        self.assertLess(time.monotonic() - begin, 30)

    def test_stop_without_the_pid_file(self):
        made = self.started()
        pid = made.pid
        (made.directory / 'run' / 'python.pid').unlink()
        made.stop()
        self.assertFalse(alive(pid))

    def test_start_while_it_runs(self):
        made = self.started()
        self.assertRaisesRegex(service.ServiceError, 'python: runs already',
                               made.start)
        self.assertTrue(made.running)

    def test_wait_ready_fails_fast_with_the_end_of_the_log(self):
        made = self.python(
            program='import sys; print("no such thing"); sys.exit(3)')
        made.start()
        begin = time.monotonic()
        self.assertRaisesRegex(
            service.ServiceError,
            '(?s)python: ended with status 3 .*no such thing',
            made.wait_ready, 60)
        self.assertLess(time.monotonic() - begin, 30)

    def test_wait_ready_gives_up(self):
        made = self.python(program='import time; time.sleep(60)')
        made.start()
        self.assertRaisesRegex(service.ServiceError, 'not ready after 0.1 s',
                               made.wait_ready, 0.1)

    def test_a_program_that_is_not_there(self):
        made = self.python()
        made.command = lambda: ['/nonexistent']
        self.assertRaisesRegex(service.ServiceError, 'cannot be started',
                               made.start)

    def test_send_signal(self):
        made = self.started(before='signal.signal(signal.SIGUSR1, lambda *_:'
                                   ' print("got it", flush=True))')
        made.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + 10
        while 'got it' not in made.log_tail():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def test_log_tail(self):
        made = self.started(before='for n in range(50): print("line", n)')
        self.assertThat(made.log_tail(lines=3).splitlines(),
                        testtools.matchers.HasLength(3))
        self.assertIn('line 49', made.log_tail(lines=3))
        self.assertNotIn('line 20', made.log_tail(lines=3))

    def test_context_manager(self):
        made = self.python()
        with made as entered:
            self.assertIs(made, entered)
            self.assertTrue(made.ready())
            pid = made.pid
        self.wait_gone(pid)

    def test_context_manager_that_cannot_start(self):
        made = self.python(program='raise SystemExit(1)')
        self.assertRaises(service.ServiceError, made.__enter__)
        self.assertFalse((made.directory / 'run' / 'python.pid').exists())


class PortTestCase(testtools.TestCase):

    def listener(self):
        peer = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(peer.close)
        return peer.getsockname()[1]

    def test_a_taken_port_is_an_error_before_the_start(self):
        port = self.listener()
        made = Python(self.useFixture(fixtures.TempDir()).path, '')
        made.ports = (port,)
        made.port_setting = 'SOME_PORT'
        self.assertRaisesRegex(
            service.ServiceError,
            f'^python: port {port} is taken, set SOME_PORT$', made.start)
        self.assertFalse(made.running)

    def test_free_port(self):
        first, second = (portpicker.pick_unused_port() for _ in range(2))
        self.assertNotEqual(first, second)
        for port in (first, second):
            self.assertTrue(service.port_is_free(port))

    def test_port_is_free(self):
        self.assertFalse(service.port_is_free(self.listener()))
