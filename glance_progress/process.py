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

"""What belongs to a process: one object of a kind, and its identity."""

from __future__ import annotations

from collections.abc import Callable
import os
import pathlib
import sys
import threading
from typing import Any
from typing import Generic
from typing import TypeVar

T = TypeVar('T')


class PerProcess(Generic[T]):
    """One object a process, made at its first use there.

    Glance's servers fork their workers after the stores were loaded. Sockets,
    locks and threads of the parent are of no use to a child, so a child that
    inherits this holder makes an object of its own, noticed by the pid.

    :param make: called with the arguments of :meth:`get`
    :param inherit: makes a child's object of its parent's, instead of *make*
    """

    def __init__(
        self, make: Callable[..., T], inherit: Callable[[T], T] | None = None
    ) -> None:
        self._make = make
        self._inherit = inherit
        self._made: tuple[int, T] | None = None
        self._locks: dict[int, threading.Lock] = {}

    def get(self, *args: Any) -> T:
        """Return this process's object; *args* count at its making only."""
        made = self.made()
        if made is None:
            with self._own_lock():
                made = self.made()
                if made is None:
                    if self._made is not None and self._inherit is not None:
                        made = self._inherit(self._made[1])
                    else:
                        made = self._make(*args)
                    self._made = (os.getpid(), made)
        return made

    def made(self) -> T | None:
        """Return this process's object, or None when there is none yet."""
        made = self._made
        return made[1] if made and made[0] == os.getpid() else None

    def reset(self) -> None:
        """Forget the object, so that the next use makes another."""
        self._made = None

    def _own_lock(self) -> threading.Lock:
        # The parent's lock may have been held by another of its threads at
        # the fork, and would never be released here.
        return self._locks.setdefault(os.getpid(), threading.Lock())


def is_green() -> bool:
    """Whether eventlet has replaced this process's sockets and threads."""
    patcher = sys.modules.get('eventlet.patcher')
    return patcher is not None and patcher.is_monkey_patched('thread')


def runs_threads() -> bool:
    """Whether a thread started here would run.

    Under uwsgi without ``enable-threads`` (which ``threads`` implies) it does
    so only while a request is being handled, and stands still in between.
    """
    uwsgi = sys.modules.get('uwsgi')
    return uwsgi is None or bool(getattr(uwsgi, 'has_threads', True))


def identity() -> str | None:
    """Return what this process is known by on its host, also after its end.

    A number alone would be another process's later. None where the system
    does not tell (no Linux).
    """
    return _identity(os.getpid())


def gone(known_by: str) -> bool | None:
    """Return whether the process that was *known_by* an identity has ended.

    :param known_by: what :func:`identity` has returned on this host
    :returns: None when that cannot be told from here: it is of another
        container of this host, or nothing is known
    """
    own = identity()
    try:
        boot, namespace, pid, _ = known_by.split('/')
        own_boot, own_namespace = (own or '').split('/')[:2]
        number = int(pid)
    except ValueError:
        return None
    if boot != own_boot:
        return True  # the host has been started anew
    if namespace != own_namespace:
        return None
    return _identity(number) != known_by


def _identity(pid: int) -> str | None:
    """Return the identity of a process, None when there is none of it.

    It is of proc(5): the id of the boot, the namespace of the numbers, the
    number, and when it was started, in ticks since the boot.
    """
    proc = pathlib.Path('/proc')
    try:
        boot = (proc / 'sys/kernel/random/boot_id').read_text().strip()
        namespace = os.stat(proc / 'self/ns/pid').st_ino
        fields = (proc / str(pid) / 'stat').read_text().rpartition(')')[2]
    except OSError:
        return None
    state, started = fields.split()[0], fields.split()[19]
    if state in 'ZX':
        return None  # it has ended, and its parent has not looked yet
    return '%s/%d/%d/%s' % (boot, namespace, pid, started)
