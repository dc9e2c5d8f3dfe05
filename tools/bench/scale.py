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

"""Measures what 10,000 images, 1,000 uploads and 100,000 rows cost.

    tools/run-bench.sh scale [--runs N] [CASE...]

Starts memcached servers, a Ceph, a MariaDB and Glances of its own on loopback.
Rates of commands and bytes hold for any machine, and so, nearly, does the time
of the processor; what a page takes holds for the machine alone.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from concurrent import futures
import contextlib
import logging
import pathlib
import statistics
import sys
import tempfile
import time
import uuid

import portpicker
import psutil
import requests

from allinone.daemons import glance
from allinone.daemons import glance_database
from allinone.daemons import mariadb
from allinone.daemons import memcached
from tools.bench import api
from tools.bench import cases
from tools.bench import fleet
from tools.bench import services
from tools.bench import source

HOSTS, IMAGES, PROCESSES = 50, 10_000, 5
UPLOADS, THREADS = 1000, 64
ROWS, IN_TRANSIT = 100_000, 1000

# Bytes of an image that is one of many.
_SMALL = 64 * 1024

# Seconds: until all have published, and for what is measured then.
_WARM, _MEASURED = 8, 15


class Bench(services.Services):

    @contextlib.contextmanager
    def _three(self) -> Iterator[list[memcached.Memcached]]:
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(memcached.Memcached(
                self._directory, name='of-three-%d' % n)) for n in range(3)]

    # The cases

    def images(self) -> None:
        """Print what many images in transit are to three memcached."""
        images = fleet.ids(IMAGES)
        with self._three() as servers:
            addresses = [server.address for server in servers]
            print('%d images in transit on %d hosts, %d memcached' % (
                IMAGES, HOSTS, len(servers)))
            with fleet.Fleet(addresses, HOSTS, IMAGES, PROCESSES) as hosts:
                self._print_used('all of them publish', servers, hosts)
                self._print_pages(addresses, images)
            with fleet.used(servers) as found:
                fleet.read(addresses, images[:1000], 30)
            print('nobody publishes, pages of 1000 are read: %.2f us of '
                  'memcached\'s processor for a key, %.0f bytes to it and '
                  '%.0f from it' % (
                      1e6 * found[0].cpu / found[0].gets,
                      found[0].received / found[0].gets,
                      found[0].sent / found[0].gets), flush=True)
            with fleet.Fleet(addresses, HOSTS, IMAGES, PROCESSES) as hosts:
                time.sleep(_WARM)
                servers[0].stop()
                self._print_used('one of three is dead', servers[1:], hosts)
                self._print_pages(addresses, images)

    def _print_used(
        self, name: str, servers: list[memcached.Memcached],
        hosts: fleet.Fleet,
    ) -> None:
        time.sleep(_WARM)
        cpu = hosts.cpu
        with fleet.used(servers) as found:
            time.sleep(_MEASURED)
        used, spent = found[0], (hosts.cpu - cpu) / _MEASURED
        print('%s: %.0f set and %.0f get a second, %.2f MiB/s in, %.2f MiB/s '
              'out, %.3f s of a processor a second' % (
                  name, used.sets, used.gets, used.received / 2 ** 20,
                  used.sent / 2 ** 20, used.cpu))
        print('  %d items, %.1f MiB of them, %.0f MiB resident, %d '
              'connections' % (used.items, used.stored / 2 ** 20,
                               used.resident / 2 ** 20, used.connections))
        print('  hosts: %.2f s of a processor a second, %.0f us for each '
              'publication of an upload' % (
                  spent, 3e6 * spent / used.sets), flush=True)

    def _print_pages(self, addresses: list[str], images: list[str]) -> None:
        for size in 1, 25, 1000:
            page = fleet.read(addresses, images[:size], 20 * self._runs)
            print('  a page of %d: %.1f ms (at most %.0f), %.1f ms of a '
                  'processor, records of %.1f %%, the oldest %.1f s' % (
                      size, 1000 * page.seconds, 1000 * page.worst,
                      1000 * page.cpu, 100 * page.known, page.age),
                  flush=True)

    def at_once(self) -> None:
        """Print what so many small uploads take, beside the stock driver."""
        server = mariadb.MariaDb(
            self._directory / 'mariadb', portpicker.pick_unused_port(), {})
        with server, glance.GlanceApi(
                self._directory / 'at-once', pathlib.Path(sys.prefix),
                stores={'stock': {'type': 'rbd', 'pool': source.POOL},
                        'ours': {'type': 'rbd_progress',
                                 'pool': source.POOL}},
                database=glance_database.InMariaDb(server, 'at_once'),
                threads=THREADS, uwsgi_args=('--listen', str(UPLOADS)),
                router=api.ROUTER, ceph_client_conf=self.ceph.client_conf,
                options={'glance_progress': {
                    'memcached_servers': self.memcached.address,
                    'stock_stores': 'stock'}}) as served:
            taken: dict[str, list[float]] = {'stock': [], 'ours': []}
            self._put_all(server, served, 'ours', THREADS)  # warms up
            for number in range(self._runs):
                order = list(taken)
                for name in order if number % 2 else reversed(order):
                    taken[name].append(
                        self._put_all(server, served, name, UPLOADS))
            first, second = (
                statistics.median(each) for each in taken.values())
            worker = max(psutil.Process(served.pid).children(),
                         key=lambda child: child.memory_info().rss)
            print('%d uploads of %d KiB at once, %d threads: stock %.1f s, '
                  'ours %.1f s, %.2f times as fast; all arrived; the worker '
                  'holds %d MiB' % (
                      UPLOADS, _SMALL >> 10, THREADS, first, second,
                      first / second, worker.memory_info().rss >> 20),
                  flush=True)

    def _put_all(
        self, server: mariadb.MariaDb, served: glance.GlanceApi, store: str,
        number: int,
    ) -> float:
        """Upload so many images at once, and return the seconds."""
        images = [str(uuid.uuid4()) for _ in range(number)]
        server.execute(_statements('at_once', images, lambda n: 'queued'))

        def put(image_id: str) -> int:
            return requests.put(
                served.url + '/v2/images/%s/file' % image_id,
                data=bytes(_SMALL), timeout=600, headers={
                    **api.HEADERS, 'x-image-meta-store': store,
                    'Content-Type': 'application/octet-stream'}).status_code

        started = time.perf_counter()
        with futures.ThreadPoolExecutor(number) as executor:
            statuses = list(executor.map(put, images))
        taken = time.perf_counter() - started
        if set(statuses) != {204}:
            raise RuntimeError('statuses %s' % sorted(set(statuses)))
        if store == 'ours':
            time.sleep(2 * fleet.INTERVAL)
            finished = fleet.finished([self.memcached.address], images, store)
            if finished != number:
                raise RuntimeError('%d are told to be there' % finished)
        return taken

    def rows(self) -> None:
        """Print what a list takes where there are many images."""
        server = mariadb.MariaDb(
            self._directory / 'mariadb', portpicker.pick_unused_port(), {})
        with server, glance.GlanceApi(
                self._directory / 'rows', pathlib.Path(sys.prefix),
                stores={'ceph': {'type': 'rbd', 'pool': source.POOL}},
                database=glance_database.InMariaDb(server, 'many_rows'),
                router=api.ROUTER, ceph_client_conf=self.ceph.client_conf,
                options={'glance_progress': {
                    'memcached_servers': self.memcached.address}}) as served:
            every = ROWS // IN_TRANSIT
            server.execute(_statements(
                'many_rows', [str(uuid.uuid4()) for _ in range(ROWS)],
                lambda n: 'active' if n % every else 'saving'))
            print('%d images, %d of them in transit, MariaDB' % (
                ROWS, IN_TRANSIT))
            for limit in 25, 1000:
                paths = ['/v2/images?status=saving&limit=%d' % limit,
                         '/v2/info/progress?limit=%d' % limit,
                         '/v2/info/progress?failed=true&limit=%d' % limit]
                stock, ours, failed = api.by_turns(
                    served, paths, 2 * self._runs)
                print("  a page of %d: Glance's own of images that are saving"
                      ' %.0f ms, ours of those in transit %.0f ms, of '
                      'failures %.0f ms' % (limit, stock, ours, failed),
                      flush=True)


def _statements(
    database: str, images: Sequence[str], status: Callable[[int], str]
) -> str:
    """Return SQL that puts images into a database of Glance's.

    :param status: of an image, by its number
    """
    lines = ['USE %s;' % database]
    for start in range(0, len(images), 1000):
        lines.append(
            'INSERT INTO images (id, name, status, owner, visibility, '
            'created_at, updated_at, deleted, min_disk, min_ram, protected, '
            'os_hidden, disk_format, container_format) VALUES '
            + ','.join(
                "('%s','image-%d','%s','demo','shared',NOW() - INTERVAL %d "
                "MINUTE,NOW() - INTERVAL %d MINUTE,0,0,0,0,0,'raw','bare')"
                % (image_id, n, status(n), n, n)
                for n, image_id in enumerate(
                    images[start:start + 1000], start)) + ';')
    return '\n'.join(lines)


CASES = ('images', 'at_once', 'rows')


def main() -> None:
    args = cases.arguments('scale', __doc__ or '', CASES, 3)
    logging.disable(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix='gp-bench-') as directory:
        with Bench(pathlib.Path(directory), 0, args.runs) as bench:
            for case in args.cases or CASES:
                getattr(bench, case)()


if __name__ == '__main__':
    main()
