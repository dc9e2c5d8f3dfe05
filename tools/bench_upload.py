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

"""Compares uploads through rbd_progress with the stock driver's, in one run.

    tools/run-bench.sh upload [--size MIB] [--runs N] [CASE...]

Starts a Ceph and memcached servers of its own on loopback. For each case the
two drivers take turns, after a warm-up, and the medians are compared: on a
shared machine only such ratios mean anything. What the machine itself can do
(tools.bench_limits) takes its turns in the same run. tools/run-bench.sh
prepares the environment.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Iterator
from concurrent import futures
import contextlib
import dataclasses
import functools
import http.client
import logging
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any
from unittest import mock
import uuid

from glance_store._drivers import rbd as stock
from oslo_config import cfg
import rbd

from glance_progress import memcached as client
from glance_progress import publisher
from glance_progress import store as progress
from tools import bench_limits
from tools import bench_source
from tools.cloud import ceph
from tools.cloud import glance
from tools.cloud import memcached

MiB = 1024 * 1024
POOL = bench_source.POOL


@dataclasses.dataclass
class Run:
    """What one upload, or several at once, took.

    :param seconds: from the beginning to the end of the last one
    :param cpu: seconds of the processor for whoever uploads
    :param osd_cpu: the same for the OSD
    """

    seconds: float
    cpu: float
    osd_cpu: float


#: Uploads an image with a driver.
Uploader = Callable[[type[stock.Store], cfg.ConfigOpts], Run]

COLUMNS = '%-26s %9s %9s %7s %7s %7s'


class Bench:

    def __init__(self, directory: pathlib.Path, size: int, runs: int) -> None:
        self._directory = directory
        self._size = size
        self._runs = runs
        self.ceph = ceph.Ceph(directory / 'ceph')
        self.memcached = memcached.Memcached(directory)
        self._ended = contextlib.ExitStack()

    def __enter__(self) -> Bench:
        self._ended.callback(self.ceph.stop)
        self.ceph.start()
        self.ceph.create_pool(POOL)
        self.ceph.create_user('glance', [POOL])
        self._ended.enter_context(self.memcached)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._ended.close()

    def conf(self, servers: str, **ours: Any) -> cfg.ConfigOpts:
        path = self._directory / 'glance-api.conf'
        thin = ours.pop('rbd_thin_provisioning', False)
        path.write_text('\n'.join([
            '[glance_store]', 'rbd_store_pool = ' + POOL,
            'rbd_store_user = glance',
            'rbd_store_ceph_conf = %s' % self.ceph.client_conf,
            'rbd_thin_provisioning = %s' % thin,
            '[glance_progress]', 'memcached_servers = ' + servers,
            *('%s = %s' % item for item in ours.items())]))
        return bench_source.load(path)

    def upload(
        self, driver: type[stock.Store], conf: cfg.ConfigOpts,
        known: bool = True, zeros: int = 0, at_once: int = 1,
    ) -> Run:
        """Upload images, and delete them when the clock has stopped.

        :param known: whether the driver is told the size
        :param zeros: of ten chunks, so many are zeros
        :param at_once: number of images
        """
        def add(number: int) -> tuple[str, str]:
            image_id = str(uuid.uuid4())
            location: str = stores[number].add(
                image_id, bench_source.Source(self._size, zeros),
                self._size if known else 0, 'sha512')[0]
            return image_id, location

        stores = [driver(conf) for _ in range(at_once)]
        for store in stores:
            store.configure(re_raise_bsc=True)
        osd = self.osd_cpu()
        cpu, started = time.process_time(), time.perf_counter()
        with futures.ThreadPoolExecutor(at_once) as executor:
            added = list(executor.map(add, range(at_once)))
        run = Run(time.perf_counter() - started, time.process_time() - cpu,
                  self.osd_cpu() - osd)
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

        :param servers: of memcached; one that is well if not given
        :param during: what surrounds each upload through rbd_progress
        :param upload: how to upload; one dense image of known size if not
            given
        :param options: for the configuration file
        """
        conf = self.conf(servers or self.memcached.address, **options)
        upload = upload or self.upload
        runs: dict[type[stock.Store], list[Run]] = {
            stock.Store: [], progress.Store: []}
        _forget_client()
        for number in range(-1, self._runs):  # the first pair warms up
            order = list(runs)
            for driver in order if number % 2 else reversed(order):
                surrounding = (during if driver is progress.Store
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
                   second.osd_cpu / first.osd_cpu if first.osd_cpu else None)

    @staticmethod
    def print(
        name: str, first: float, second: float | None = None,
        cpu: float | None = None, osd_cpu: float | None = None,
    ) -> None:
        """Print a line of the table: seconds, and how they compare."""
        print(COLUMNS % (
            name, '%.2f s' % first,
            '' if second is None else '%.2f s' % second,
            '' if second is None else '%.2f' % (first / second),
            '' if cpu is None else '%.2f' % cpu,
            '' if osd_cpu is None else '%.2f' % osd_cpu), flush=True)

    # The cases

    def limits(self) -> None:
        """Print what the machine can do, beside the stock driver."""
        limits = bench_limits.Limits(
            self.ceph, POOL, self._directory, self._size)
        with limits:
            conf = self.conf(self.memcached.address)
            stocks, ours = [], []
            taken: dict[str, list[float]] = {}
            for number in range(-1, self._runs):
                stocks.append(self.upload(stock.Store, conf).seconds)
                ours.append(self.upload(progress.Store, conf).seconds)
                for name, seconds in limits.measure():
                    taken.setdefault(name, []).append(seconds)
            median = statistics.median(stocks[1:])
            self.print('add(), for comparison', median,
                       statistics.median(ours[1:]))
            for name, each in taken.items():
                self.print('  ' + name, median, statistics.median(each[1:]))

    def dense(self) -> None:
        self.compare('known size, dense')

    def unknown(self) -> None:
        self.compare('unknown size, dense', upload=functools.partial(
            self.upload, known=False))

    def thin(self) -> None:
        self.compare('thin, nine tenths zeros', upload=functools.partial(
            self.upload, zeros=9), rbd_thin_provisioning=True)

    def far(self) -> None:
        with mock.patch.object(rbd, 'Image', bench_limits.far_image(0.02)):
            self.compare('20 ms more for each write')

    def four(self) -> None:
        self.compare('four at once', upload=functools.partial(
            self.upload, at_once=4))

    def put(self) -> None:
        with glance.GlanceApi(
                self._directory / 'glance', pathlib.Path(sys.prefix),
                stores={'stock': {'type': 'rbd', 'pool': POOL},
                        'ours': {'type': 'rbd_progress', 'pool': POOL}},
                ceph_client_conf=self.ceph.client_conf,
                options={'glance_progress': {
                    'memcached_servers': self.memcached.address}}) as api:
            self.compare('PUT /file', upload=functools.partial(
                self._put, api))

    def _put(
        self, api: glance.GlanceApi, driver: type[stock.Store],
        conf: cfg.ConfigOpts,
    ) -> Run:
        headers = glance.identity_headers('bench', 'member')
        client = api.client(headers)
        image_id = client.images.create(
            disk_format='raw', container_format='bare').id
        store = 'stock' if driver is stock.Store else 'ours'
        cpu, osd = _cpu_of_tree(api.pid or 0), self.osd_cpu()
        started = time.perf_counter()
        peer = http.client.HTTPConnection(
            '127.0.0.1', api.port, timeout=300, blocksize=MiB)
        peer.request('PUT', '/v2/images/%s/file' % image_id,
                     body=bench_source.Source(self._size), headers={
                         **headers, 'Content-Length': str(self._size),
                         'Content-Type': 'application/octet-stream',
                         'x-image-meta-store': store})
        status = peer.getresponse().status
        run = Run(time.perf_counter() - started,
                  _cpu_of_tree(api.pid or 0) - cpu, self.osd_cpu() - osd)
        if status != 204:
            raise RuntimeError('PUT /file was answered with %d' % status)
        client.images.delete(image_id)
        return run

    def healthy(self) -> None:
        self.compare('memcached healthy', self.memcached.address)

    def absent(self) -> None:
        self.compare('absent', '127.0.0.1:1')

    def killed(self) -> None:
        self.compare('killed after 1 s', *self._one_that_gets(signal.SIGKILL))

    def stopped(self) -> None:
        self.compare('SIGSTOP after 1 s', *self._one_that_gets(signal.SIGSTOP))

    def restarted(self) -> None:
        server = memcached.Memcached(self._directory, name='restarted')

        @contextlib.contextmanager
        def during() -> Iterator[None]:
            def restart() -> None:
                server.stop()
                server.start()

            with server, _later(restart):
                yield

        self.compare('restarted after 1 s', server.address, during)

    def black_hole(self) -> None:
        with _black_hole() as address:
            self.compare('black hole', address)

    def one_of_three(self) -> None:
        with contextlib.ExitStack() as stack:
            servers = [stack.enter_context(memcached.Memcached(
                self._directory, name='of-three-%d' % n)) for n in range(2)]
            self.compare('one of three dead', ','.join(
                ['127.0.0.1:1'] + [server.address for server in servers]))

    def unresolved(self) -> None:
        self.compare('name does not resolve', 'nowhere.invalid:11211')

    def _one_that_gets(self, sig: int) -> tuple[str, Any]:
        server = memcached.Memcached(self._directory, name='victim')

        @contextlib.contextmanager
        def during() -> Iterator[None]:
            with server, _later(lambda: server.send_signal(sig)):
                yield
                if sig == signal.SIGSTOP and server.running:
                    server.send_signal(signal.SIGCONT)

        return server.address, during

    def memory(self) -> None:
        """Print what an upload holds more than a stock one, at its peak."""
        self.conf(self.memcached.address)
        peaks: dict[str, list[int]] = {'stock': [], 'progress': []}
        for _ in range(self._runs):
            for name, each in peaks.items():
                done = subprocess.run(
                    [sys.executable, '-m', 'tools.bench_memory', name,
                     str(self._directory / 'glance-api.conf'),
                     str(self._size)],
                    check=True, capture_output=True, text=True)
                each.append(int(done.stdout))
        first, second = map(statistics.median, peaks.values())
        print('memory at the peak: stock %d MiB, progress %d MiB, extra %d'
              % (first / MiB, second / MiB, (second - first) / MiB))

    def round_trips(self) -> None:
        """Print how often an upload has talked to memcached."""
        _forget_client()
        calls: list[str] = []
        call = client.Server.call

        def counted(server: Any, command: str, *args: Any, **kw: Any) -> Any:
            calls.append(command)
            return call(server, command, *args, **kw)

        client.Server.call = counted  # type: ignore[method-assign]
        try:
            run = self.upload(
                progress.Store, self.conf(self.memcached.address))
            publisher._publisher.made().flush(5)  # type: ignore[union-attr]
        finally:
            client.Server.call = call  # type: ignore[method-assign]
        print('round trips in %.1f s, update_interval 1 s: %d, of which 2 for '
              'the beginning and the end' % (run.seconds, len(calls)))


def _forget_client() -> None:
    client._memcached.reset()
    publisher._publisher.reset()


@contextlib.contextmanager
def _later(act: Callable[[], None], seconds: float = 1) -> Iterator[None]:
    timer = threading.Timer(seconds, act)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


@contextlib.contextmanager
def _black_hole() -> Iterator[str]:
    """Give an address on loopback to which no connection completes."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(
            socket.create_server(('127.0.0.1', 0), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield '%s:%d' % listener.getsockname()


def cpu_of(pid: int) -> float:
    """Return the seconds that a process has had of the processor."""
    fields = pathlib.Path('/proc/%d/stat' % pid).read_text().rpartition(')')
    user, system = fields[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf('SC_CLK_TCK')


def _cpu_of_tree(pid: int) -> float:
    children = pathlib.Path('/proc/%d/task/%d/children' % (pid, pid))
    return cpu_of(pid) + sum(
        _cpu_of_tree(int(child)) for child in children.read_text().split())


CASES = ('limits', 'dense', 'unknown', 'thin', 'far', 'four', 'put',
         'healthy', 'absent', 'killed', 'restarted', 'stopped', 'black_hole',
         'one_of_three', 'unresolved', 'memory', 'round_trips')


def main() -> None:
    parser = argparse.ArgumentParser(
        prog='tools/run-bench.sh upload', description=__doc__.splitlines()[0])
    parser.add_argument('--size', type=int, default=1024, metavar='MIB')
    parser.add_argument('--runs', type=int, default=5, metavar='N')
    parser.add_argument('cases', nargs='*', metavar='CASE',
                        help='one or more of: ' + ', '.join(CASES))
    args = parser.parse_args()
    for case in args.cases:
        if case not in CASES:
            parser.error('no such case: ' + case)
    logging.disable(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix='gp-bench-') as directory:
        with Bench(pathlib.Path(directory), args.size * MiB,
                   args.runs) as bench:
            print('%s, %d processors\n%d MiB, medians of %d runs' % (
                bench_limits.versions(), os.cpu_count() or 0, args.size,
                args.runs))
            print(COLUMNS % (
                '', 'stock', 'other', 'times', 'CPU', 'OSD CPU'))
            print(COLUMNS % ('', '', '', 'as fast', 'ratio', 'ratio'),
                  flush=True)
            for case in args.cases or CASES:
                getattr(bench, case)()


if __name__ == '__main__':
    sys.exit(main())
