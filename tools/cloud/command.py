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

import os
import subprocess
import typing as ty

from tools.cloud import service


def run(name: str, command: ty.Sequence[str], *,
        env: ty.Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        timeout: float = 60) -> str:
    """Run a command and return its standard output.

    :param name: the service that the command is for
    :param timeout: seconds
    :raises ServiceError: if it fails, takes too long or is not there
    """
    line = ' '.join(command)
    try:
        done = subprocess.run(
            command, env=env, cwd=cwd, timeout=timeout, text=True,
            stdin=subprocess.DEVNULL, capture_output=True)
    except subprocess.TimeoutExpired:
        raise service.ServiceError(
            name, f'no end after {timeout} s: {line}') from None
    except OSError as exc:
        raise service.ServiceError(name, str(exc)) from exc
    if done.returncode:
        raise service.ServiceError(
            name, f'status {done.returncode} from: {line}', done.stderr)
    return done.stdout
