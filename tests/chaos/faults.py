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

"""What happens to services, by chance, and how it becomes well again.

What hits a glance-api hits its twin at the same moment; what hits Ceph hits
both sides in any case.
"""

from __future__ import annotations

from collections.abc import Callable
import contextlib
import os
import random
import signal
import threading
import time

import psutil

from allinone import service
from tests.chaos import cloud
from tests.chaos import faultlog


class Faults:
    """Makes faults of one kind of service, one after the other.

    :param clouds: whose services they are
    :param log: where they are written down
    :param rng: what decides
    """

    #: Seconds between two of them, at least and at most.
    calm = (2.0, 6.0)

    def __init__(self, clouds: cloud.Cloud, log: faultlog.FaultLog,
                 rng: random.Random) -> None:
        self.cloud = clouds
        self.log = log
        self.rng = rng

    def run(self, over: threading.Event) -> None:
        """Go on until it is over; then all is well."""
        while not over.wait(self.rng.uniform(*self.calm)):
            self.rng.choice(self.kinds())()

    def kinds(self) -> list[Callable[[], None]]:
        """Return what can happen."""
        raise NotImplementedError

    def hold(self, least: float, most: float) -> None:
        time.sleep(self.rng.uniform(least, most))


#: Seconds in which a memcached server that is back is told what it missed.
TOLD = 15


class MemcachedFaults(Faults):
    """What happens to memcached, which is no matter to any upload.

    Where a server has come back with what was before, none forgets before it
    can have been told what is now; and one or all of them do. Who asks then
    must never be answered with what was before.
    """

    _back_at = 0.0

    def kinds(self) -> list[Callable[[], None]]:
        return [self.kill, self.stop, self.cut, self.flush]

    def _forgetful(self) -> list[cloud.Memcached]:
        """Return who is to forget, when that may be."""
        time.sleep(max(0, self._back_at + TOLD - time.monotonic()))
        return self._some(1, 1, 3)

    def _some(self, *numbers: int) -> list[cloud.Memcached]:
        return self.rng.sample(
            self.cloud.memcached, self.rng.choice(numbers))

    def _during(
        self, kind: str, servers: list[cloud.Memcached]
    ) -> contextlib.AbstractContextManager[None]:
        return self.log.during(kind, what=[each.name for each in servers])

    def kill(self) -> None:
        servers = self._forgetful()
        with self._during('memcached-kill', servers):
            for server in servers:
                server.send_signal(signal.SIGKILL)
            self.hold(0, 10)
            for server in servers:
                server.restart(cloud.PATIENCE)

    def stop(self) -> None:
        servers = self._some(1, 1, 2, 3)
        with self._during('memcached-stop', servers):
            for server in servers:
                server.send_signal(signal.SIGSTOP)
            self.hold(0.5, 12)
            for server in servers:
                server.send_signal(signal.SIGCONT)
            self._back_at = time.monotonic()

    def cut(self) -> None:
        servers = self._some(1, 1, 2, 3)
        with self._during('memcached-cut', servers):
            for server in servers:
                server.namespace.cut()
            self.hold(0.5, 12)
            for server in servers:
                server.namespace.join()
            self._back_at = time.monotonic()

    def flush(self) -> None:
        servers = self._forgetful()
        with self._during('memcached-flush', servers):
            for server in servers:
                server._ask('flush_all')


class CephFaults(Faults):
    """What happens to one OSD of three at a time, or to the pools."""

    calm = (4.0, 10.0)

    def kinds(self) -> list[Callable[[], None]]:
        return [self.kill, self.stop, self.cut, self.full]

    def kill(self) -> None:
        osd = self.rng.choice(self.cloud.ceph.osds)
        with self.log.during('osd-kill', what=[osd.ident]):
            osd.send_signal(signal.SIGKILL)
            self.hold(1, 8)
            osd.restart(cloud.PATIENCE)
            self._heal()

    def stop(self) -> None:
        osd = self.rng.choice(self.cloud.ceph.osds)
        with self.log.during('osd-stop', what=[osd.ident]):
            osd.send_signal(signal.SIGSTOP)
            self.hold(1, 15)
            osd.send_signal(signal.SIGCONT)
            self._heal()

    def cut(self) -> None:
        with self.log.during('osd-cut'):
            self.cloud.far.cut()
            self.hold(1, 15)
            self.cloud.far.join()
            self._heal()

    def full(self) -> None:
        """Have the pools of both sides be full by their quota."""
        pools = [pool for side in self.cloud.sides
                 for pool in side.pools.values()]
        with self.log.during('pool-full'):
            for pool in pools:
                self._quota(pool, 1)
            self.hold(3, 10)
            for pool in pools:
                self._quota(pool, 0)
            while 'POOL_FULL' in self._health():
                time.sleep(0.5)

    def _quota(self, pool: str, size: int) -> None:
        self.cloud.ceph.ceph('osd', 'pool', 'set-quota', pool, 'max_bytes',
                             str(size), timeout=cloud.PATIENCE)

    def _health(self) -> str:
        try:
            return str(self.cloud.ceph.ceph('health', 'detail', timeout=20))
        except service.ServiceError:
            return 'unknown OSD_DOWN POOL_FULL'

    def _heal(self) -> None:
        """Wait until it could stand the next fault."""
        bad = ('OSD_DOWN', 'PG_AVAILABILITY', 'PG_DEGRADED', 'unknown')
        while any(word in self._health() for word in bad):
            time.sleep(1)


class WorkerFaults(Faults):
    """What happens to glance-apis. Those of `two` live through the run."""

    calm = (6.0, 15.0)

    def kinds(self) -> list[Callable[[], None]]:
        return [self.kill, self.stop, self.stop, self.reload, self.set_clock,
                self.set_clock]

    def _twins(self, host: str) -> list[service.Service]:
        return [side.hosts[host] for side in self.cloud.sides]

    def _workers(self, host: str) -> list[int]:
        return [worker.pid for twin in self._twins(host)
                for worker in psutil.Process(twin.pid).children()]

    def kill(self) -> None:
        host = self.rng.choice(['one', 'old'])
        with self.log.during('worker-kill', host):
            for pid in self._workers(host):
                os.kill(pid, signal.SIGKILL)
            time.sleep(1)
            for twin in self._twins(host):
                twin.wait_ready(cloud.PATIENCE)

    def stop(self) -> None:
        host = self.rng.choice(cloud.HOSTS)
        with self.log.during('worker-stop', host):
            pids = self._workers(host)
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            self.hold(0.5, 8)
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def reload(self) -> None:
        with self.log.during('reload', 'one'):
            before = set(self._workers('one'))
            for twin in self._twins('one'):
                (twin.directory / 'reload').touch()
            until = time.monotonic() + cloud.PATIENCE
            while (before & set(self._workers('one'))
                   and time.monotonic() < until):
                time.sleep(0.5)
            for twin in self._twins('one'):
                twin.wait_ready(cloud.PATIENCE)

    def set_clock(self) -> None:
        offset = self.rng.choice([-7200, -600, -20, 20, 600, 7200])
        with self.log.during('clock', 'two', [str(offset)]):
            for twin in self._twins('two'):
                twin.set_clock(offset)
            self.hold(5, 15)
            for twin in self._twins('two'):
                twin.set_clock(0)
            time.sleep(2)
