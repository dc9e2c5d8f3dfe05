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

    tools/run-bench.sh upload [--size MIB] [--runs N] [--serial] [CASE...]

Starts a Ceph and memcached servers of its own on loopback. For each case the
two drivers take turns, after a warm-up, and the medians are compared: on a
shared machine only such ratios mean anything. What the machine itself can do
(tools.bench.limits) takes its turns in the same run. tools/run-bench.sh
prepares the environment.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import functools
import http.client
import logging
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any
from unittest import mock

from glance_store._drivers import rbd as stock
from oslo_config import cfg
import rbd

from allinone import black_hole
from allinone.daemons import glance
from allinone.daemons import memcached
from glance_progress.driver import store
import glance_progress.records.memcached
from glance_progress.records import publisher
from tools.bench import driver
from tools.bench import limits
from tools.bench import source
from tools import names

MiB = 1024 * 1024
POOL = source.POOL


class Cases(driver.Bench):
    """Measures, in a method for each case, which prints its lines."""

    def limits(self) -> None:
        """Print what the machine can do, beside the stock driver."""
        with limits.Limits(
                self.ceph, POOL, self._directory, self._size) as measured:
            conf = self.conf(self.memcached.address)
            stocks, ours = [], []
            taken: dict[str, list[float]] = {}
            for number in range(-1, self._runs):
                stocks.append(self.upload(stock.Store, conf).seconds)
                ours.append(self.upload(store.Store, conf).seconds)
                for name, seconds in measured.measure():
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
        with mock.patch.object(rbd, 'Image', limits.far_image(0.02)):
            self.compare('20 ms more for each write')

    def four(self) -> None:
        self.compare('four at once', upload=functools.partial(
            self.upload, at_once=4))

    def sixteen(self) -> None:
        """A quarter of the size each, to fit into the disk."""
        size, self._size = self._size, self._size // 4
        self.compare('sixteen at once', upload=functools.partial(
            self.upload, at_once=16))
        self._size = size

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
        self, api: glance.GlanceApi, uploader: type[stock.Store],
        conf: cfg.ConfigOpts,
    ) -> driver.Run:
        headers = glance.identity_headers('bench', 'member')
        client = api.client(headers)
        image_id = client.images.create(
            disk_format='raw', container_format='bare').id
        name = 'stock' if uploader is stock.Store else 'ours'
        cpu, osd = driver.cpu_of_tree(api.pid or 0), self.osd_cpu()
        started = time.perf_counter()
        peer = http.client.HTTPConnection(
            '127.0.0.1', api.port, timeout=300, blocksize=MiB)
        peer.request('PUT', '/v2/images/%s/file' % image_id,
                     body=source.Source(self._size), headers={
                         **headers, 'Content-Length': str(self._size),
                         'Content-Type': 'application/octet-stream',
                         'x-image-meta-store': name})
        status = peer.getresponse().status
        run = driver.Run(
            time.perf_counter() - started,
            driver.cpu_of_tree(api.pid or 0) - cpu,
            self.osd_cpu() - osd)
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
        with black_hole.BlackHole() as hole:
            self.compare('black hole', hole.address)

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
        """Print what uploads hold more than stock ones, at their peak."""
        self.conf(self.memcached.address)
        for at_once in 1, 4, 16:
            peaks: dict[str, list[int]] = {'stock': [], 'progress': []}
            for _ in range(self._runs):
                for name, each in peaks.items():
                    done = subprocess.run(
                        [sys.executable, '-m', 'tools.bench.memory', name,
                         str(self._directory / 'glance-api.conf'),
                         str(self._size // min(at_once, 4)), str(at_once)],
                        check=True, capture_output=True, text=True)
                    each.append(int(done.stdout))
            first, second = (
                statistics.median(each) for each in peaks.values())
            print('memory at the peak, %d at once: stock %d MiB, progress %d '
                  'MiB, extra %d' % (at_once, first / MiB, second / MiB,
                                     (second - first) / MiB), flush=True)

    def round_trips(self) -> None:
        """Print how often an upload has talked to memcached."""
        driver.forget_client()
        calls: list[str] = []
        server = glance_progress.records.memcached.Server
        call = server.call

        def counted(self: Any, command: str, *args: Any, **kw: Any) -> Any:
            calls.append(command)
            return call(self, command, *args, **kw)

        with mock.patch.object(server, 'call', counted):
            run = self.upload(
                store.Store, self.conf(self.memcached.address))
            publisher.flush(5)
        print('round trips in %.1f s, update_interval 1 s: %d, of which 2 for '
              'the beginning and the end' % (run.seconds, len(calls)))


@contextlib.contextmanager
def _later(act: Callable[[], None], seconds: float = 1) -> Iterator[None]:
    timer = threading.Timer(seconds, act)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


CASES = ('limits', 'dense', 'unknown', 'thin', 'far', 'four', 'sixteen',
         'put', 'healthy', 'absent', 'killed', 'restarted', 'stopped',
         'black_hole', 'one_of_three', 'unresolved', 'memory', 'round_trips')


def main() -> None:
    parser = argparse.ArgumentParser(
        prog='tools/run-bench.sh upload', description=__doc__.splitlines()[0])
    parser.add_argument('--size', type=int, default=1024, metavar='MIB')
    parser.add_argument('--runs', type=int, default=5, metavar='N')
    parser.add_argument('--serial', action='store_true',
                        help='one step after the other, as the stock driver: '
                             'writes_in_flight = 0')
    names.add(parser, 'case', CASES)
    args = parser.parse_args()
    ours = {'writes_in_flight': 0} if args.serial else {}
    logging.disable(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix='gp-bench-') as directory:
        with Cases(pathlib.Path(directory), args.size * MiB,
                   args.runs, **ours) as bench:
            print('%s, %d processors\n%d MiB, medians of %d runs' % (
                limits.versions(), os.cpu_count() or 0, args.size,
                args.runs))
            print(driver.COLUMNS % (
                '', 'stock', 'other', 'times', 'CPU', 'OSD CPU', 'own'))
            print(driver.COLUMNS % (
                '', '', '', 'as fast', 'ratio', 'ratio', 'time'), flush=True)
            for case in args.cases or CASES:
                getattr(bench, case)()


if __name__ == '__main__':
    main()
