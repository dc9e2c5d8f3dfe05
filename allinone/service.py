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

"""One foreground process that we start, watch and end."""

from __future__ import annotations

import abc
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time
from typing import Any

import psutil

#: Seconds between two looks at a process.
POLL = 0.05


class ServiceError(Exception):
    """Says that a service could not be started, reached or ended."""

    def __init__(self, name: str, problem: str, log: str = '') -> None:
        """Name the service and the problem, and show the end of its log."""
        super().__init__(f'{name}: {problem}' + (log and f'\n{log}'))


def port_is_free(port: int, host: str = '127.0.0.1') -> bool:
    """Tell whether a server could listen on a TCP port now.

    portpicker.is_port_free() would listen, on all addresses, and be in the
    way of a server that is about to.
    """
    with socket.socket() as probe:
        # As servers do: connections in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def _find(pid: int) -> psutil.Process | None:
    """Return the process of that id, None if there is none or a zombie.

    A zombie has ended, and stays where the first process of a container
    reaps nobody.
    """
    try:
        process = psutil.Process(pid)
        ended = process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return None if ended else process


def _started(process: psutil.Process) -> int:
    """Return when a process started, in clock ticks since the boot.

    The pair of this and the pid names a process for good: a pid alone is
    used again. What psutil says moves when somebody sets the clock.
    """
    booted = psutil.boot_time()  # first: before 7.1, create_time() reuses it
    seconds = process.create_time() - booted
    return round(seconds * os.sysconf('SC_CLK_TCK'))


def _kill_group(pid: int) -> None:
    """Kill a process group, whose first process may be gone.

    psutil would follow parents, which what a crash leaves has lost.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


class Service(abc.ABC):
    """A process that we start, in a session of its own.

    Its output goes to DIRECTORY/log/NAME.log. DIRECTORY/run/NAME.pid names
    it for later processes, in which an equal Service can stop it.

    :param name: name of the service, unique in the directory
    :param directory: where the service keeps its files; made if missing
    """

    #: TCP ports on 127.0.0.1 which must be free before the start.
    ports: tuple[int, ...] = ()
    #: What somebody can set to get other ports, for the error message.
    port_setting = 'another port'
    #: Seconds between two looks at its readiness.
    ready_poll = POLL

    def __init__(self, name: str, directory: str | os.PathLike[str]) -> None:
        self.name = name
        self.directory = pathlib.Path(directory).absolute()
        self.log_path = self.directory / 'log' / f'{name}.log'
        self._pid_path = self.directory / 'run' / f'{name}.pid'
        self._process: psutil.Popen | None = None

    @abc.abstractmethod
    def command(self) -> list[str]:
        """Return the program and its arguments."""

    @abc.abstractmethod
    def ready(self) -> bool:
        """Tell, without waiting long, whether the service does its work."""

    def environment(self) -> dict[str, str]:
        """Return the environment variables of the process."""
        return dict(os.environ)

    @property
    def _running(self) -> psutil.Process | None:
        """Return the process while it runs, whoever has started it."""
        if self._process is not None and self._process.poll() is None:
            return self._process
        try:
            pid, started = map(int, self._pid_path.read_text().split())
        except (OSError, ValueError):
            return None
        process = _find(pid)
        if process is None or _started(process) != started:
            return None
        return process

    @property
    def pid(self) -> int | None:
        """Return the process id while the process runs, else None."""
        process = self._running
        return None if process is None else process.pid

    @property
    def running(self) -> bool:
        """Tell whether the process runs, whoever has started it."""
        return self._running is not None

    def start(self) -> None:
        """Start the process, and do not wait until it is ready.

        :raises ServiceError: if it runs already, if a port is taken or if
            the program cannot be executed
        """
        if self.running:
            raise self._error(f'runs already, as process {self.pid}')
        for port in self.ports:
            if not port_is_free(port):
                raise ServiceError(
                    self.name,
                    f'port {port} is taken, set {self.port_setting}')
        for path in (self.log_path, self._pid_path):
            path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log_path, 'ab') as log:
            try:
                self._process = psutil.Popen(
                    self.command(), cwd=self.directory,
                    env=self.environment(), stdin=subprocess.DEVNULL,
                    stdout=log, stderr=log, start_new_session=True)
            except OSError as exc:
                raise self._error(f'cannot be started: {exc}') from exc
        # tools/run-tests.sh reads it, too.
        self._pid_path.write_text(
            f'{self._process.pid} {_started(self._process)}\n')

    def wait_ready(self, timeout: float = 60) -> None:
        """Wait until the service does its work.

        :param timeout: seconds that it gets
        :raises ServiceError: if the process ends, or the time is over
        """
        deadline = time.monotonic() + timeout
        while not self.ready():
            if not self.running:
                how = ('' if self._process is None else
                       f' with status {self._process.returncode}')
                raise self._error(f'ended{how} before it was ready')
            if time.monotonic() > deadline:
                raise self._error(f'not ready after {timeout} s')
            time.sleep(self.ready_poll)

    def ensure(self, timeout: float = 60) -> None:
        """Start the process if it does not run, and wait until it is ready.

        :param timeout: seconds that it gets to be ready
        :raises ServiceError: see start() and wait_ready()
        """
        if not self.running:
            self.start()
        self.wait_ready(timeout)

    def restart(self, timeout: float = 60) -> None:
        """Stop the process if it runs, start it, and wait until it is ready.

        :param timeout: seconds that it gets to be ready
        :raises ServiceError: see stop(), start() and wait_ready()
        """
        self.stop()
        self.ensure(timeout)

    def send_signal(self, sig: int) -> None:
        """Send a signal to the process, not to its children.

        :raises ServiceError: if the process does not run
        """
        process = self._running
        if process is None:
            raise self._error('does not run')
        process.send_signal(sig)

    def stop(self, timeout: float = 15) -> None:
        """End the process and what it has left in its process group.

        Nothing happens if it does not run.

        :param timeout: seconds that it gets to end by itself after SIGTERM,
            before SIGKILL
        :raises ServiceError: if it is there even then
        """
        process = self._running
        if process is not None:
            self._terminate(process, timeout)
        else:
            process = self._process  # its children may not have ended
        # A pid is not used again while a group of that number lives on, so
        # a process that has it now says that nothing is left of ours.
        if process is not None and _find(process.pid) is None:
            _kill_group(process.pid)
        self._process = None
        self._pid_path.unlink(missing_ok=True)

    def _terminate(self, process: psutil.Process, timeout: float) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
            process.resume()  # one that was stopped has to go on, to end
        if not self._wait_ended(timeout):
            _kill_group(process.pid)
            if not self._wait_ended(timeout):
                raise self._error(f'process {process.pid} cannot be ended')

    def _wait_ended(self, timeout: float) -> bool:
        # psutil.wait_procs() takes a zombie that nobody reaps for alive, and
        # polls in a way that eventlet takes out of `select`.
        deadline = time.monotonic() + timeout
        while self.running:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL)
        return True

    def _error(self, problem: str) -> ServiceError:
        return ServiceError(self.name, problem, self.log_tail())

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of what the process has printed."""
        try:
            text = self.log_path.read_text(errors='replace')
        except OSError:
            return ''
        return '\n'.join(text.splitlines()[-lines:])

    def __enter__(self) -> Any:
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()
