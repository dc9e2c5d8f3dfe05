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

"""How tools.bench.upload measures: both drivers in turns, and medians."""

from __future__ import annotations

from collections.abc import Callable
from concurrent import futures
import contextlib
import dataclasses
import pathlib
import statistics
import time
from typing import Any
import uuid

from glance_store._drivers import rbd as stock
from oslo_config import cfg
import psutil

from glance_progress.driver import store
from glance_progress.records import memcached
from glance_progress.records import publisher
from tools.bench import own_time
from tools.bench import services
from tools.bench import source

POOL = source.POOL


@dataclasses.dataclass
class Run:
    """Has what one upload, or several at once, took.

    :param seconds: time from the beginning to the end of the last one
    :param cpu: seconds of the processor that whoever uploads has had
    :param osd_cpu: those that the OSD has had
    :param own: seconds of all this that went into telling progress
    """

    seconds: float
    cpu: float
    osd_cpu: float
    own: float = 0


#: Uploads an image with a driver.
Uploader = Callable[[type[stock.Store], cfg.ConfigOpts], Run]

COLUMNS = '%-26s %9s %9s %7s %7s %7s %7s'


class Bench(services.Services):
    """Has the two drivers take turns.

    :param ours: options of ``[glance_progress]``
    """

    def __init__(
        self, directory: pathlib.Path, size: int, runs: int, **ours: Any
    ) -> None:
        super().__init__(directory, size, runs)
        self._ours = ours

    def conf(self, servers: str, **ours: Any) -> cfg.ConfigOpts:
        path = self._directory / 'glance-api.conf'
        thin = ours.pop('rbd_thin_provisioning', False)
        path.write_text('\n'.join([
            '[glance_store]', 'rbd_store_pool = ' + POOL,
            'rbd_store_user = glance',
            'rbd_store_ceph_conf = %s' % self.ceph.client_conf,
            'rbd_thin_provisioning = %s' % thin,
            '[glance_progress]', 'memcached_servers = ' + servers,
            *('%s = %s' % item for item in {**self._ours, **ours}.items())]))
        return source.load(path)

    def upload(
        self, driver: type[stock.Store], conf: cfg.ConfigOpts,
        known: bool = True, zeros: int = 0, at_once: int = 1,
    ) -> Run:
        """Upload images, and delete them when the clock has stopped.

        :param known: whether the driver is told the size
        :param zeros: how many of ten chunks are zeros
        :param at_once: number of images
        """
        def add(number: int) -> tuple[str, str]:
            image_id = str(uuid.uuid4())
            location: str = stores[number].add(
                image_id, source.Source(self._size, zeros),
                self._size if known else 0, 'sha512')[0]
            return image_id, location

        stores = [driver(conf) for _ in range(at_once)]
        for each in stores:
            each.configure(re_raise_bsc=True)
        osd = self.osd_cpu()
        own = own_time.OwnTime()
        cpu, started = time.process_time(), time.perf_counter()
        with own.counted(), futures.ThreadPoolExecutor(at_once) as executor:
            added = list(executor.map(add, range(at_once)))
        run = Run(time.perf_counter() - started, time.process_time() - cpu,
                  self.osd_cpu() - osd, own.seconds)
        for image_id, location in added:
            stores[0]._delete_image(
                POOL, image_id, location.rpartition('/')[2])
        return run

    def osd_cpu(self) -> float:
        """Return the seconds that the OSD has had of the processor."""
        return cpu_of(self.ceph.osd.pid or 0)

    def compare(
        self, name: str, servers: str | None = None,
        during: Callable[[], contextlib.AbstractContextManager[Any]]
        = contextlib.nullcontext,
        upload: Uploader | None = None, **options: Any,
    ) -> None:
        """Print what rbd_progress takes in relation to the stock driver.

        :param servers: servers of memcached; one that is well if none are
            given
        :param during: what surrounds each upload through rbd_progress
        :param upload: how to upload; one dense image of known size if it is
            not given
        :param options: options for the configuration file
        """
        conf = self.conf(servers or self.memcached.address, **options)
        upload = upload or self.upload
        runs: dict[type[stock.Store], list[Run]] = {
            stock.Store: [], store.Store: []}
        forget_client()
        for number in range(-1, self._runs):  # the first pair warms up
            order = list(runs)
            for driver in order if number % 2 else reversed(order):
                surrounding = (during if driver is store.Store
                               else contextlib.nullcontext)
                with surrounding():
                    run = upload(driver, conf)
                if number >= 0:
                    runs[driver].append(run)
        first, second = (
            Run(*(statistics.median(getattr(run, field.name) for run in each)
                  for field in dataclasses.fields(Run)))
            for each in runs.values())
        self.print(name, first.seconds, second.seconds,
                   second.cpu / first.cpu,
                   second.osd_cpu / first.osd_cpu if first.osd_cpu else None,
                   second.own / second.seconds)

    @staticmethod
    def print(
        name: str, first: float, second: float | None = None,
        cpu: float | None = None, osd_cpu: float | None = None,
        own: float | None = None,
    ) -> None:
        """Print a line of the table: seconds, and how they compare."""
        print(COLUMNS % (
            name, '%.2f s' % first,
            '' if second is None else '%.2f s' % second,
            '' if second is None else '%.2f' % (first / second),
            '' if cpu is None else '%.2f' % cpu,
            '' if osd_cpu is None else '%.2f' % osd_cpu,
            '%.2f %%' % (100 * own) if own else ''), flush=True)


def forget_client() -> None:
    memcached.reset()
    publisher.reset()


def cpu_of(pid: int) -> float:
    """Return the seconds that a process has had of the processor."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def cpu_of_tree(pid: int) -> float:
    """Return those that a process and all its descendants have had."""
    children = psutil.Process(pid).children(recursive=True)
    return cpu_of(pid) + sum(cpu_of(child.pid) for child in children)
