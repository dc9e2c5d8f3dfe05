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
shared machine only such ratios mean anything. tools/run-bench.sh prepares the
environment.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import dataclasses
import logging
import os
import pathlib
import signal
import socket
import statistics
import sys
import tempfile
import threading
import time
import tracemalloc
from typing import Any
import uuid

import glance_store
from glance_store._drivers import rbd as stock
from oslo_config import cfg

from glance_progress import memcached as client
from glance_progress import publisher
from glance_progress import store as progress
from tools.cloud import ceph
from tools.cloud import memcached

MiB = 1024 * 1024
POOL = 'images'


class Source:
    """An image file of random data that costs no time to make."""

    _buffers = [os.urandom(8 * MiB) for _ in range(4)]

    def __init__(self, size: int) -> None:
        self._left = size
        self._reads = 0

    def read(self, size: int) -> bytes:
        size = min(size, self._left)
        self._left -= size
        self._reads += 1
        whole = self._buffers[self._reads % len(self._buffers)]
        # A copy, as every read from a socket makes one.
        return bytes(memoryview(whole)[:size])


@dataclasses.dataclass
class Run:
    seconds: float
    cpu: float


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
        path.write_text('\n'.join([
            '[glance_store]', 'rbd_store_pool = ' + POOL,
            'rbd_store_user = glance',
            'rbd_store_ceph_conf = %s' % self.ceph.client_conf,
            '[glance_progress]', 'memcached_servers = ' + servers,
            *('%s = %s' % item for item in ours.items())]))
        conf = cfg.ConfigOpts()
        glance_store.register_opts(conf)
        conf(args=[], default_config_files=[str(path)])
        return conf

    def upload(
        self, driver: type[stock.Store], conf: cfg.ConfigOpts
    ) -> Run:
        """Upload an image, and delete it when the clock has stopped."""
        store = driver(conf)
        store.configure(re_raise_bsc=True)
        image_id = str(uuid.uuid4())
        cpu, started = time.process_time(), time.perf_counter()
        location = store.add(
            image_id, Source(self._size), self._size, 'sha512')[0]
        run = Run(time.perf_counter() - started, time.process_time() - cpu)
        store._delete_image(POOL, image_id, location.rpartition('/')[2])
        return run

    def compare(
        self, name: str, servers: str,
        during: Callable[[], contextlib.AbstractContextManager[Any]]
        = contextlib.nullcontext,
    ) -> None:
        """Print what rbd_progress takes in relation to the stock driver.

        :param during: what surrounds each upload through rbd_progress
        """
        conf = self.conf(servers)
        runs: dict[type[stock.Store], list[Run]] = {
            stock.Store: [], progress.Store: []}
        _forget_client()
        for number in range(-1, self._runs):  # the first pair warms up
            order = list(runs)
            for driver in order if number % 2 else reversed(order):
                surrounding = (during if driver is progress.Store
                               else contextlib.nullcontext)
                with surrounding():
                    run = self.upload(driver, conf)
                if number >= 0:
                    runs[driver].append(run)
        seconds, cpu = (
            {driver: statistics.median(getattr(run, what) for run in each)
             for driver, each in runs.items()} for what in ('seconds', 'cpu'))
        print('%-28s %8.2f s %8.2f s %8.3f %8.3f' % (
            name, seconds[stock.Store], seconds[progress.Store],
            seconds[progress.Store] / seconds[stock.Store],
            cpu[progress.Store] / cpu[stock.Store]), flush=True)

    # The cases

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
        conf = self.conf(self.memcached.address)
        peaks = {}
        for driver in (stock.Store, progress.Store) * 2:
            tracemalloc.start()
            self.upload(driver, conf)
            peaks[driver] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        print('extra memory at the peak: %.3f MiB'
              % ((peaks[progress.Store] - peaks[stock.Store]) / MiB))

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


CASES = ('healthy', 'absent', 'killed', 'restarted', 'stopped', 'black_hole',
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
            print('%d MiB, median of %d runs\n%-28s %10s %10s %8s %8s' % (
                args.size, args.runs, '', 'stock', 'progress', 'ratio',
                'of CPU'))
            for case in args.cases or CASES:
                getattr(bench, case)()


if __name__ == '__main__':
    sys.exit(main())
