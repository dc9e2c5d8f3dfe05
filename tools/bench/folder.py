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

"""Compares uploads of a folder with OpenStackClient's, one after the other.

    tools/run-bench.sh folder [--size MIB] [--runs N] [CASE...]

Starts a Ceph, a memcached, a MariaDB and a Glance of its own on loopback. A
turn of ``openstack image create --file`` for each file and a turn of
``openstack image progress upload`` of the folder follow each other, after a
warm-up, and their medians are compared: on a shared machine only such ratios
mean anything, and the seconds that each program has used of the processors,
which are printed too. To start ``openstack`` takes its time as well; how much
is printed. No tokens are asked for, which would be one for each file there and
one for all here.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import portpicker

from allinone.daemons import glance
from allinone.daemons import glance_database
from allinone.daemons import mariadb
from tools.bench import cases
from tools.bench import limits
from tools.bench import processors
from tools.bench import services
from tools.bench import source

MiB = source.MiB
HEADERS = glance.identity_headers('demo', 'member')
ROUTER = 'glance_progress.api:API.factory'

#: MiB a second of an image in the case `slow`.
PACE = 100

#: Files of the case `small`, of 1 MiB each.
SMALL = 200


class Folder(services.Services):
    """Uploads in both ways.

    :param openstack: the program
    """

    def __init__(self, directory: pathlib.Path, size: int, runs: int,
                 openstack: str) -> None:
        super().__init__(directory, size, runs)
        self._openstack = openstack
        self._environment = {**os.environ, 'XDG_STATE_HOME': str(directory)}
        self._log = self._ended.enter_context(open(directory / 'stderr', 'w'))

    def __enter__(self) -> Folder:
        super().__enter__()
        # SQLite turns those away who write at the same time.
        database = self._ended.enter_context(mariadb.MariaDb(
            self._directory, portpicker.pick_unused_port(), {}))
        self._api = self._ended.enter_context(glance.GlanceApi(
            self._directory / 'glance', pathlib.Path(sys.prefix),
            stores={'ceph': {'type': 'rbd_progress', 'pool': source.POOL}},
            ceph_client_conf=self.ceph.client_conf, router=ROUTER,
            database=glance_database.InMariaDb(database, 'glance'),
            options={'glance_progress': {
                'memcached_servers': self.memcached.address}},
            # A command line has no means to send headers.
            uwsgi_args=[arg for name, value in HEADERS.items() for arg in (
                '--route-run', 'addvar:HTTP_%s=%s' % (
                    name.upper().replace('-', '_'), value))]))
        return self

    def run(self, *argv: object) -> tuple[float, int]:
        """Run `openstack`; return its seconds, and its bytes at the peak."""
        started = time.perf_counter()
        process = subprocess.Popen(
            [self._openstack, '--os-auth-type', 'none', '--os-endpoint',
             self._api.url, *map(str, argv)],
            stdout=subprocess.DEVNULL, stderr=self._log,
            env=self._environment)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise RuntimeError('%s has ended with %d: %s' % (
                argv, status, (self._directory / 'stderr').read_text()[-500:]))
        return time.perf_counter() - started, usage.ru_maxrss * 1024

    def three(self) -> None:
        """Print what three large images take."""
        self._compare('3 images of %d MiB' % (self._size / MiB),
                      3, self._size, self._runs)

    def slow(self) -> None:
        """Print the same where Ceph, and no processor, sets the pace."""
        limit = 'rbd_qos_write_bps_limit'
        self.ceph.rbd('config', 'pool', 'set', source.POOL, limit,
                      str(PACE * MiB))
        self._compare('3 images of %d MiB, of each of which Ceph takes %d MiB '
                      'a second' % (self._size / MiB, PACE),
                      3, self._size, self._runs)
        self.ceph.rbd('config', 'pool', 'remove', source.POOL, limit)

    def small(self) -> None:
        """Print what many small images take, of which one run is enough."""
        self._compare('%d images of 1 MiB' % SMALL, SMALL, MiB, 1)

    def _compare(self, label: str, count: int, size: int, runs: int) -> None:
        folder = self._directory / 'images'
        folder.mkdir()
        files = [folder / ('%d.raw' % number) for number in range(count)]
        for number, file in enumerate(files):
            _write(file, size, number)
        turns: list[tuple[str, Callable[[], int]]] = [
            ('image create', lambda: self._stock(files)),
            ('image progress upload', lambda: self.run(
                'image', 'progress', 'upload', folder)[1])]
        # A warm-up.
        self._stock(files[:1])
        self.run('image', 'progress', 'upload', '--dry-run', folder)
        self._clear()
        taken: dict[str, list[float]] = {name: [] for name, _ in turns}
        peaks: dict[str, list[int]] = {name: [] for name, _ in turns}
        used: dict[str, list[processors.Seconds]] = {
            name: [] for name, _ in turns}
        for _ in range(runs):
            for name, turn in turns:
                before, started = processors.used(), time.perf_counter()
                peaks[name].append(turn())
                taken[name].append(time.perf_counter() - started)
                used[name].append(processors.used(before))
                self._clear()
        shutil.rmtree(folder)
        stock, ours = (statistics.median(each) for each in taken.values())
        high, now = (max(each) / MiB for each in peaks.values())
        print('%s: %.1f s and %.1f s, ratio %.2f; at the peak %d and %d MiB; '
              'openstack itself takes %.1f s to start' % (
                  label, stock, ours, ours / stock, high, now,
                  self.run('image', 'list')[0]))
        for name, each in used.items():
            print('  %s: %s' % (name, processors.words(
                processors.median(each))), flush=True)

    def _stock(self, files: Sequence[pathlib.Path]) -> int:
        return max(self.run('image', 'create', '--file', file, file.stem)[1]
                   for file in files)

    def _clear(self) -> None:
        client = self._api.client(HEADERS)
        for image in list(client.images.list()):
            client.images.delete(image.id)


def _write(path: pathlib.Path, size: int, number: int) -> None:
    """Write a file that looks like no other one, and has no hole."""
    with open(path, 'wb') as file:
        for at in range(0, size, MiB):
            file.write(json.dumps([number, at]).encode() + os.urandom(64))
            file.write(os.urandom(MiB)[:min(MiB, size - at)])
        file.truncate(size)


CASES = ('three', 'slow', 'small')


def main() -> None:
    args = cases.arguments('folder', __doc__, CASES, 3)
    with tempfile.TemporaryDirectory(prefix='gp-bench-') as directory:
        with Folder(pathlib.Path(directory), args.size * MiB, args.runs,
                    os.environ['GLANCE_PROGRESS_OPENSTACK']) as bench:
            print('%s, %d processors, medians of %d runs' % (
                limits.versions(), os.cpu_count() or 0, args.runs), flush=True)
            for case in args.cases or CASES:
                getattr(bench, case)()


if __name__ == '__main__':
    main()
