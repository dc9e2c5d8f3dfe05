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

"""Hosts with uploads that publish by the real publisher, and who looks.

A process of these stands for several hosts: each of them has a client of
memcached, a publisher and its uploads of its own, as a glance-api has.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
import contextlib
import dataclasses
import logging
import multiprocessing
import statistics
import time
from typing import Any
import uuid

import psutil

import allinone.daemons.memcached
from glance_progress.records import memcached
from glance_progress.records import publisher
from glance_progress.records import reader
from glance_progress.records import wire

#: Seconds between two publications of a host, as is the default.
INTERVAL = 1.0

_STORES = ('ceph', wire.STAGING_STORE, wire.LOOKED, wire.HASHED)
_GiB = 2 ** 30


def client(servers: Iterable[str]) -> memcached.Memcached:
    """Return a client with the timeouts that are the default."""
    return memcached.Memcached(servers, 0.3, 0.5)


def ids(number: int) -> list[str]:
    """Return the ids of so many images, always the same ones."""
    return [str(uuid.uuid5(uuid.NAMESPACE_URL, str(n)))
            for n in range(number)]


class Host:
    """Is one host, which has *images* under way.

    :param started: the time at which all of them began
    """

    def __init__(
        self, servers: Sequence[str], images: Sequence[str], started: float
    ) -> None:
        self._publisher = publisher.Publisher(
            client(servers), INTERVAL, 86400, 86400, _STORES)
        self._records = [wire.Record(
            image_id=image_id, store='ceph', state=wire.UPLOADING,
            bytes_written=0, total_bytes=10 * _GiB, started_at=started,
            updated_at=started, sequence=time.time_ns(), host='control-17',
            request_id='req-' + image_id, rate=1e8,
            worker='6f9c6d4f-1c0b-4a2e-9a6e-1f2c3d4e5f60/4026531836/4242/99')
            for image_id in images]

    def tell(self) -> None:
        """Tell of each upload that it has come further."""
        now = time.time()
        for record in self._records:
            self._publisher.post(dataclasses.replace(
                record, updated_at=now,
                bytes_written=int((now - record.started_at) * 10 ** 6)))


def _run(
    servers: Sequence[str], of_hosts: Sequence[Sequence[str]], cpu: Any
) -> None:
    logging.disable(logging.CRITICAL)
    hosts = [Host(servers, images, time.time()) for images in of_hosts]
    next_at = time.monotonic()
    while True:
        for host in hosts:
            host.tell()
        cpu.value = time.process_time()
        next_at += INTERVAL
        time.sleep(max(0, next_at - time.monotonic()))


class Fleet:
    """Runs hosts in several processes.

    :param hosts: number of hosts
    :param images: number of images, spread over them
    """

    def __init__(self, servers: Sequence[str], hosts: int, images: int,
                 processes: int) -> None:
        everything = ids(images)
        of_hosts = [everything[n::hosts] for n in range(hosts)]
        self._cpu = [multiprocessing.Value('d', 0.0)
                     for _ in range(processes)]
        self._processes = [multiprocessing.Process(
            target=_run, args=(servers, of_hosts[n::processes], cpu),
            daemon=True) for n, cpu in enumerate(self._cpu)]

    @property
    def cpu(self) -> float:
        """Seconds of the processor that all hosts have had so far."""
        return sum(each.value for each in self._cpu)

    def __enter__(self) -> Fleet:
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        for process in self._processes:
            process.terminate()
            process.join()


@dataclasses.dataclass
class Used:
    """What servers did and needed in some time, all of them together.

    Rates are a second's; sizes are in bytes.
    """

    sets: float
    gets: float
    received: float
    sent: float
    cpu: float
    stored: int
    items: int
    resident: int
    connections: int


@contextlib.contextmanager
def used(
    servers: Sequence[allinone.daemons.memcached.Memcached],
) -> Iterator[list[Used]]:
    """Yield a list that has, after the block, what the servers did in it."""
    found: list[Used] = []
    before, started = _stats(servers), time.monotonic()
    yield found
    seconds, after = time.monotonic() - started, _stats(servers)

    def rate(*names: str) -> float:
        return sum(after[name] - before[name] for name in names) / seconds

    found.append(Used(
        sets=rate('cmd_set'), gets=rate('cmd_get'),
        received=rate('bytes_read'), sent=rate('bytes_written'),
        cpu=rate('rusage_user', 'rusage_system'),
        stored=int(after['bytes']), items=int(after['curr_items']),
        resident=sum(psutil.Process(server.pid).memory_info().rss
                     for server in servers),
        connections=int(after['curr_connections'])))


def _stats(
    servers: Sequence[allinone.daemons.memcached.Memcached],
) -> dict[str, float]:
    total: dict[str, float] = {}
    for server in servers:
        for name, value in server.stats().items():
            with contextlib.suppress(ValueError):
                total[name] = total.get(name, 0) + float(value)
    return total


@dataclasses.dataclass
class Page:
    """What a page of images costs its reader.

    :param seconds: median
    :param worst: seconds of the slowest
    :param cpu: seconds of the reader's processor
    :param known: the part of the images of which there was a record
    :param age: seconds since the oldest of them had moved
    """

    seconds: float
    worst: float
    cpu: float
    known: float
    age: float


def read(servers: Sequence[str], images: Sequence[str], times: int) -> Page:
    """Look at *images* so often, as a glance-api does for a page."""
    looking = reader.Reader(client(servers))
    taken, known, ages = [], [], [0.0]
    cpu = time.process_time()
    for _ in range(times):
        started = time.perf_counter()
        found = looking.read(images, _STORES) or {}
        taken.append(time.perf_counter() - started)
        known.append(len(found) / len(images))
        now = time.time()
        ages += [record.age(now) for record in found.values()]
    return Page(statistics.median(taken), max(taken),
                (time.process_time() - cpu) / times,
                statistics.median(known), max(ages))


def finished(
    servers: Sequence[str], images: Sequence[str], store: str
) -> int:
    """Return of how many images it is told that a store has them."""
    found = reader.Reader(client(servers)).read(images, [store]) or {}
    return sum(record.state == wire.FINISHED for record in found.values())
