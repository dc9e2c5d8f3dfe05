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

"""What the processes of a glance-api hold when nothing is to be done."""

from __future__ import annotations

import collections
from collections.abc import Iterator
import contextlib
import dataclasses
import os
import pathlib

import psutil

from allinone.daemons import glance
from tests.chaos import violations

MiB = 2 ** 20

#: So many more threads and handles than after the warm-up are pools that were
#: not full then; what leaks, leaks with each action.
THREADS = 6
HANDLES = 12

#: And so many more of a host after a few uploads are no leak, either, which
#: would be one for each.
AFTER_A_FEW = 5

#: Threads and handles of a client of Ceph 16 with three OSDs.
OF_A_CLIENT = {'threads': 12, 'handles': 15}

#: Bytes that a process may have grown by since then, beyond what stock's has.
MEMORY = 96 * MiB


@dataclasses.dataclass(frozen=True)
class Held:
    """What one process holds; ``memory`` in bytes.

    ``kinds`` counts its threads by name, and its handles.
    """

    pid: int
    threads: int
    handles: int
    memory: int
    kinds: dict[str, int]

    @property
    def clients(self) -> int:
        """How many clients of Ceph it has; each has one thread like this."""
        return self.kinds.get('thread ms_dispatch', 0)

    def without_clients(self, name: str) -> int:
        """Return how many threads, or handles, are not those of clients."""
        number: int = getattr(self, name)
        return number - OF_A_CLIENT[name] * self.clients


def held(api: glance.GlanceBase) -> dict[int, Held]:
    """Return what each worker holds, by its process id."""
    found = {}
    for worker in psutil.Process(api.pid).children():
        with worker.oneshot():
            handles = collections.Counter(
                _kind(worker.pid, name)
                for name in os.listdir('/proc/%d/fd' % worker.pid))
            threads = collections.Counter(_names_of_threads(worker.pid))
            found[worker.pid] = Held(
                worker.pid, sum(threads.values()), sum(handles.values()),
                worker.memory_info().rss, {**threads, **handles})
    return found


def _names_of_threads(pid: int) -> Iterator[str]:
    for path in pathlib.Path('/proc/%d/task' % pid).glob('*/comm'):
        with contextlib.suppress(OSError):  # it has ended
            yield 'thread ' + path.read_text().strip()


def _kind(pid: int, name: str) -> str:
    try:
        target = os.readlink('/proc/%d/fd/%s' % (pid, name))
    except OSError:
        return 'gone'
    return target.partition(':')[0] if ':' in target else target


def compare(
    host: str, before: dict[int, Held], after: dict[int, Held],
    stock_grown: int, found: violations.Violations,
) -> None:
    """Compare the workers of one of our hosts with what they were.

    Each is held against the one that had most: not all had done everything,
    and those that came later had done nothing.

    :param stock_grown: bytes by which the twin's workers grew at most
    """
    threads, handles = (
        max(each.without_clients(name) for each in before.values())
        for name in ('threads', 'handles'))
    memory = max(each.memory for each in before.values())
    for now in after.values():
        found.checked('rest')
        what = '%s: %s, before: %s' % (host, now, before)
        if now.clients:
            found.add('rest', 'clients of Ceph are left, ' + what)
        if now.without_clients('threads') > threads + THREADS:
            found.add('rest', 'threads are left, ' + what)
        if now.without_clients('handles') > handles + HANDLES:
            found.add('rest', 'handles are left, ' + what)
        if now.memory > memory + max(0, stock_grown) + MEMORY:
            found.add('rest', 'memory is left, ' + what)


def compare_sums(host: str, before: dict[int, Held], after: dict[int, Held],
                 found: violations.Violations) -> None:
    """Compare what all workers of a host hold, after a few uploads more.

    Whichever has looked at Ceph last keeps a client for a minute.
    """
    found.checked('rest')
    what = '%s: %s, before a few uploads: %s' % (host, after, before)
    if any(each.clients > 1 for each in after.values()):
        found.add('rest', 'clients of Ceph are left, ' + what)
    for name in ('threads', 'handles'):
        then, now = (sum(each.without_clients(name) for each in when.values())
                     for when in (before, after))
        if now > then + AFTER_A_FEW:
            found.add('rest', '%d %s more, %s' % (now - then, name, what))


def grown(before: dict[int, Held], after: dict[int, Held]) -> int:
    """Return by how many bytes the worker that grew most has grown."""
    largest = max(each.memory for each in before.values())
    return max(now.memory - (before[pid].memory if pid in before else largest)
               for pid, now in after.items())
