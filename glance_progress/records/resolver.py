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

"""Name resolution with a time limit, for pymemcache.

A socket's timeout does not cover ``getaddrinfo``: with a name server that
does not answer it takes 5 to 40 seconds (resolv.conf(5), timeout and
attempts).
"""

from __future__ import annotations

import socket
import threading
from typing import Any

from glance_progress import process


class _Lookup(threading.Thread):
    """One getaddrinfo call, off the caller's way."""

    def __init__(self, args: tuple[Any, ...]) -> None:
        super().__init__(name='glance-progress-resolver', daemon=True)
        self.args = args
        self.done = threading.Event()
        self.used = False
        self.addresses: list[Any] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.addresses = _getaddrinfo(*self.args)
        except BaseException as exc:
            self.error = exc
        finally:
            self.done.set()


def _getaddrinfo(*args: Any) -> list[Any]:
    if not process.is_green():
        return socket.getaddrinfo(*args)
    # The "thread" that we are in is a green one, and the C library's call
    # would stop all of them. eventlet's own resolver may be switched off
    # (EVENTLET_NO_GREENDNS), its pool of real threads is always there.
    from eventlet import patcher
    from eventlet import tpool
    native = patcher.original('socket')
    addresses: list[Any] = tpool.execute(native.getaddrinfo, *args)
    return addresses


class BoundedSockets:
    """The ``socket`` module, whose getaddrinfo gives up after *timeout*.

    :param timeout: seconds
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._lock = threading.Lock()
        self._lookups: dict[tuple[Any, ...], _Lookup] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(socket, name)

    def getaddrinfo(
        self, host: str, port: int, family: int = 0, type: int = 0,
        proto: int = 0,
    ) -> list[Any]:
        """Like :func:`socket.getaddrinfo`.

        :raises TimeoutError: when there was no answer in time
        """
        try:
            return socket.getaddrinfo(
                host, port, family, type, proto, socket.AI_NUMERICHOST)
        except socket.gaierror:
            pass  # no numeric address, so a name
        lookup = self._lookup((host, port, family, type, proto))
        if not lookup.done.wait(self._timeout):
            raise TimeoutError(
                'name resolution of %s took over %s s' % (host, self._timeout))
        lookup.used = True
        if lookup.error is not None:
            raise lookup.error
        return lookup.addresses

    def _lookup(self, args: tuple[Any, ...]) -> _Lookup:
        # One that hangs is joined, not repeated: a resolver that is down for
        # an hour must not leave a thread for each attempt. And one that came
        # too late serves the next attempt, or a resolver that always takes
        # longer than the timeout would never be of use.
        with self._lock:
            lookup = self._lookups.get(args)
            if lookup is None or lookup.used or lookup.error is not None:
                lookup = _Lookup(args)
                lookup.start()
                self._lookups[args] = lookup
            return lookup
