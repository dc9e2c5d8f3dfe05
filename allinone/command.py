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

"""Commands that do something and end, with errors worth reading."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import os
import subprocess

from allinone import service

_running: set[subprocess.Popen[str]] = set()


def run(name: str, command: Sequence[str], *,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None, stdin: str = '',
        timeout: float = 60) -> str:
    """Run a command and return its standard output.

    :param name: the service that the command is for
    :param stdin: what it can read from its standard input
    :param timeout: seconds after which it is killed
    :raises ServiceError: if it fails, takes too long or is not there
    """
    line = ' '.join(command)
    try:
        process = subprocess.Popen(
            command, env=env, cwd=cwd, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as exc:
        raise service.ServiceError(name, str(exc)) from exc
    _running.add(process)
    try:
        out, err = process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise service.ServiceError(
            name, f'no end after {timeout} s: {line}') from None
    finally:
        process.kill()  # nothing happens if it has ended
        process.wait()
        _running.discard(process)
    if process.returncode:
        raise service.ServiceError(
            name, f'status {process.returncode} from: {line}',
            '\n'.join(err.splitlines()[-20:]))
    return out


def kill_all() -> None:
    """End what run() waits for in other threads, so that it fails there."""
    for process in list(_running):
        process.kill()
