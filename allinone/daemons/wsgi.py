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

"""WSGI applications under uwsgi, over HTTP on loopback."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import http.client
import os
import pathlib

from allinone import service


def command(venv: pathlib.Path, port: int, module: str, *,
            processes: int = 1, threads: int | None = 8,
            args: Sequence[str] = ()) -> list[str]:
    """Return the program and its arguments.

    :param module: name of a module that has an `application`
    :param processes: number of processes
    :param threads: number of threads of each process; None leaves out
        --threads and also --enable-threads
    :param args: further arguments for uwsgi
    """
    parallel = [] if threads is None else [
        '--enable-threads', '--threads', str(threads)]
    return [
        str(venv / 'bin' / 'uwsgi'), '--http-socket', f'127.0.0.1:{port}',
        '--module', module, '--need-app', '--lazy-apps', '--master',
        '--processes', str(processes), *parallel, '--die-on-term',
        '--no-orphans', '--buffer-size', '65535',
        '--add-header', 'Connection: close', '--http-chunked-input',
        # With the defaults, 1 MiB and 4 s, uploads in chunks of 1 MiB or
        # from a slow client end in 500.
        '--chunked-input-limit', '16777216',
        '--chunked-input-timeout', '60', '--socket-timeout', '60', *args]


def answers(port: int) -> bool:
    """Tell whether GET / is answered without a fault of the server."""
    peer = http.client.HTTPConnection('127.0.0.1', port, timeout=5)
    try:
        peer.request('GET', '/')
        return peer.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        peer.close()


class Api(service.Service):
    """Runs an API service that finds its configuration by the environment.

    :param directory: holds its log and its pid
    :param venv: the virtual environment that it runs in
    :param module: name of a module that has an `application`
    :param port: TCP port
    :param variables: environment variables of its own
    :param args: further arguments for uwsgi
    """

    def __init__(self, name: str, directory: str | os.PathLike[str],
                 venv: pathlib.Path, module: str, port: int,
                 variables: Mapping[str, str],
                 args: Sequence[str] = ()) -> None:
        super().__init__(name, directory)
        self.venv = venv
        self.module = module
        self.port = port
        self.ports = (port,)
        self.variables = variables
        self.args = args

    def command(self) -> list[str]:
        return command(self.venv, self.port, self.module, args=self.args)

    def environment(self) -> dict[str, str]:
        return {**super().environment(), **self.variables}

    def ready(self) -> bool:
        return answers(self.port)
