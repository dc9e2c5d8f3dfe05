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

"""Measures the API extension beside Glance's own GET, in one run.

    tools/run-bench.sh api [--size MIB] [--runs N] [CASE...]

Starts a Ceph, memcached servers and Glances of its own on loopback. What is
compared takes turns: on a shared machine only differences and ratios of one
run mean anything.
"""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import http.client
import http.server
import json
import multiprocessing
import os
import pathlib
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any
import uuid

import portpicker

from allinone import black_hole
from allinone.daemons import glance
from allinone.daemons import glance_database
from allinone import service
from glance_progress.records import memcached
from glance_progress.records import wire
from tools.bench import cases
from tools.bench import services
from tools.bench import source

MiB = source.MiB
POOL = source.POOL
HEADERS = glance.identity_headers('demo', 'member')
ROUTER = 'glance_progress.api:API.factory'

#: Images in transit.
MANY = 1000

WATCHERS = 100

# What they ask for, and whether they look again when the server says, or else
# once a second.
_WATCHED = {'nobody': (None, False), 'our client': ('/progress', True),
            'a poller of progress': ('/progress', False),
            'a poller of GET image': ('', False)}


class CountingProxy:
    """Stands before a memcached and counts what it is asked to get."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.gets = 0
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.address = '%s:%d' % self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            far = socket.create_connection(('127.0.0.1', self._port))
            for target in (self._requests, self._answers):
                threading.Thread(
                    target=target, args=(near, far), daemon=True).start()

    def _requests(self, near: socket.socket, far: socket.socket) -> None:
        with near, far, near.makefile('rb') as lines:
            for line in lines:
                self.gets += line.startswith(b'get ')
                far.sendall(line)

    def _answers(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := far.recv(65536):
                near.sendall(data)


def get(api: glance.GlanceBase, path: str) -> tuple[float, bytes]:
    """Return the seconds that an answer takes, and the answer."""
    taken, body, _ = ask(api, path)
    return taken, body


def ask(api: glance.GlanceBase, path: str) -> tuple[float, bytes, float]:
    """Return the seconds that an answer takes, it, and when to look again."""
    started = time.perf_counter()
    peer = http.client.HTTPConnection('127.0.0.1', api.port, timeout=120)
    peer.request('GET', path, headers=HEADERS)
    with peer.getresponse() as response:
        body = response.read()
    peer.close()
    if response.status != 200:
        raise RuntimeError('%s: %d %r' % (path, response.status, body))
    return (time.perf_counter() - started, body,
            float(response.headers.get('Retry-After', 0)))


def by_turns(
    api: glance.GlanceBase, paths: list[str], times: int
) -> list[float]:
    """Return the median of each path in milliseconds."""
    taken: dict[str, list[float]] = {path: [] for path in paths}
    for _ in range(times):
        for path in paths:
            taken[path].append(1000 * get(api, path)[0])
    return [statistics.median(taken[path]) for path in paths]


class Bench(services.Services):

    def api(
        self, name: str, servers: str, processes: int = 1, **options: Any
    ) -> glance.GlanceApi:
        return glance.GlanceApi(
            self._directory / name, sys.prefix, processes=processes,
            stores={'ceph': {'type': 'rbd_progress', 'pool': POOL}},
            ceph_client_conf=self.ceph.client_conf, router=ROUTER,
            options={'glance_progress': {'memcached_servers': servers},
                     **options})

    def create(self, api: glance.GlanceBase) -> str:
        return api.client(HEADERS).images.create(
            disk_format='raw', container_format='bare').id

    def fill(self, api: glance.GlanceBase, number: int) -> None:
        """Put images in transit into the database, and their records."""
        records = {}
        assert isinstance(api.database, glance_database.Sqlite)
        with sqlite3.connect(api.database.path, timeout=30) as database:
            for n in range(number):
                image_id = str(uuid.uuid4())
                database.execute(
                    'INSERT INTO images (id, name, status, owner, visibility,'
                    ' created_at, updated_at, deleted, min_disk, min_ram,'
                    ' protected, os_hidden, disk_format, container_format)'
                    " VALUES (?, ?, 'saving', 'demo', 'shared',"
                    " datetime('now', ?), datetime('now'), 0, 0, 0, 0, 0,"
                    " 'raw', 'bare')",
                    (image_id, 'image-%d' % n, '-%d seconds' % (n // 3)))
                records[wire.key(image_id, 'ceph')] = wire.Record(
                    image_id=image_id, store='ceph', state=wire.UPLOADING,
                    bytes_written=n, total_bytes=MANY,
                    started_at=time.time() - 9, updated_at=time.time(),
                    sequence=time.time_ns()).to_json()
        database.close()
        memcached.Memcached([self.memcached.address], 1, 30).set_many(
            records, 3600)

    # The cases

    def healthy(self) -> None:
        with self.api('healthy', self.memcached.address) as api:
            self.fill(api, 1)
            image = '/v2/images/' + json.loads(
                get(api, '/v2/info/progress')[1])['images'][0]['image_id']
            stock, ours = by_turns(
                api, [image, image + '/progress'], 60 * self._runs)
            print('memcached healthy: GET image %.1f ms, its progress %.1f '
                  'ms, %+.1f ms' % (stock, ours, ours - stock), flush=True)

    def black_hole(self) -> None:
        with black_hole.BlackHole() as hole, \
                self.api('black-hole', hole.address) as api:
            image = '/v2/images/' + self.create(api)
            by_turns(api, [image], 5)
            first = 1000 * get(api, image + '/progress')[0]
            # Within the time for which the breaker is open.
            stock, ours = by_turns(api, [image, image + '/progress'], 40)
            print('memcached a black hole: first request %+.0f ms, those '
                  'after it %+.1f ms' % (first - stock, ours - stock),
                  flush=True)

    def many(self) -> None:
        proxy = CountingProxy(self.memcached.port)
        page = '/v2/info/progress?limit=%d'
        with self.api('many', proxy.address) as api:
            self.fill(api, MANY)
            get(api, page % 1)
            asked = proxy.gets
            images = json.loads(get(api, page % MANY)[1])['images']
            sources = [image['source'] for image in images]
            print('%d images in transit, %d of them with a record: %d round '
                  'trip(s) to memcached for a page' % (
                      len(images), sources.count('memcached'),
                      proxy.gets - asked))
            stock, ours = by_turns(
                api, ['/v2/images?status=saving&limit=%d' % MANY,
                      page % MANY], self._runs)
            print("a page of %d: Glance's list %.0f ms, ours %.0f ms, ratio "
                  '%.2f' % (MANY, stock, ours, ours / stock), flush=True)
        with self.api('statements', proxy.address, database={
                'connection_debug': 50}) as api:
            self.fill(api, MANY)
            counts = [self._statements(api, page % limit)
                      for limit in (1, 10, MANY)]
            print('SQL statements for a page of 1, 10, %d: %s' % (
                MANY, ', '.join(map(str, counts))), flush=True)

    def scrape(self) -> None:
        with self.api('scrape', self.memcached.address) as api, \
                _admins(api) as door, _exporter(
                    self._directory, door) as port:
            self.fill(api, MANY)
            while 'images{phase="upload"} %d' % MANY not in _scraped(port)[1]:
                time.sleep(0.5)
            taken = [_scraped(port)[0] for _ in range(20 * self._runs)]
            print('a scrape with %d images in transit: median %.0f ms, at '
                  'most %.0f ms' % (MANY, 1000 * statistics.median(taken),
                                    1000 * max(taken)), flush=True)

    def _statements(self, api: glance.GlanceBase, path: str) -> int:
        get(api, path)  # has the list of tasks read
        before = api.log_path.stat().st_size
        get(api, path)
        with open(api.log_path) as log:
            log.seek(before)
            return sum(' SELECT ' in line for line in log)

    def watchers(self) -> None:
        with self.api('watchers', self.memcached.address, processes=2) as api:
            times: dict[str, list[float]] = {each: [] for each in _WATCHED}
            polls: dict[str, float] = {}
            for number in range(-1, self._runs):  # the first warms up
                for what, (end, obey) in _WATCHED.items():
                    image_id = self.create(api)
                    path = '/v2/images/' + image_id
                    with _watched(api, None if end is None else path + end,
                                  obey) as sent:
                        taken = self._upload(api, image_id)
                    if number >= 0:
                        times[what].append(taken)
                        polls[what] = sent.value / taken
                    api.client(HEADERS).images.delete(image_id)
            none = statistics.median(times['nobody'])
            print('upload of %d MiB, unwatched %.2f s' % (
                self._size // MiB, none))
            for what, each in times.items():
                print('%d times %s: %.3f times as long, %.0f answers a second'
                      % (WATCHERS, what, statistics.median(each) / none,
                         polls[what]), flush=True)

    def _upload(self, api: glance.GlanceBase, image_id: str) -> float:
        started = time.perf_counter()
        peer = http.client.HTTPConnection('127.0.0.1', api.port, timeout=600)
        peer.request(
            'PUT', '/v2/images/%s/file' % image_id,
            body=source.Source(self._size), headers={
                **HEADERS, 'Content-Type': 'application/octet-stream',
                'Content-Length': str(self._size)})
        with peer.getresponse() as response:
            response.read()
        if response.status != 204:
            raise RuntimeError('upload: %d' % response.status)
        return time.perf_counter() - started


@contextlib.contextmanager
def _watched(
    api: glance.GlanceBase, path: str | None, obey: bool
) -> Iterator[Any]:
    """Have WATCHERS poll once a second, in a process of their own.

    :param obey: look again when the server says
    """
    sent = multiprocessing.Value('i', 0)
    if path is None:
        yield sent
        return
    process = multiprocessing.Process(
        target=_watch, args=(api, path, obey, sent), daemon=True)
    process.start()
    time.sleep(10 if obey else 1.5)  # until all poll in their turn
    sent.value = 0
    try:
        yield sent
    finally:
        process.terminate()
        process.join()


def _watch(
    api: glance.GlanceBase, path: str, obey: bool, sent: Any
) -> None:
    def poll(first: float) -> None:
        time.sleep(first)
        while True:
            started, wait = time.monotonic(), 1.0
            with contextlib.suppress(OSError, RuntimeError):
                _, _, wanted = ask(api, path)
                if obey:
                    # As the client does, which waits after the answer.
                    started, wait = time.monotonic(), max(1.0, wanted)
                with sent.get_lock():
                    sent.value += 1
            time.sleep(max(0, wait - (time.monotonic() - started)))

    threads = [threading.Thread(target=poll, args=(n / WATCHERS,))
               for n in range(WATCHERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class _Admin(http.server.BaseHTTPRequestHandler):
    """Asks for an administrator, as Keystone's middleware would say it."""

    port = 0

    def do_GET(self) -> None:
        peer = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        peer.request('GET', self.path,
                     headers=glance.identity_headers('demo', 'admin'))
        with peer.getresponse() as answer:
            body = answer.read()
        peer.close()
        self.send_response(answer.status)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@contextlib.contextmanager
def _admins(api: glance.GlanceBase) -> Iterator[str]:
    """Have a URL at which whoever asks is an administrator."""
    handler = type('Handler', (_Admin,), {'port': api.port})
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as door:
        threading.Thread(target=door.serve_forever, daemon=True).start()
        yield 'http://127.0.0.1:%d' % door.server_port
        door.shutdown()


@contextlib.contextmanager
def _exporter(directory: pathlib.Path, url: str) -> Iterator[int]:
    """Run an exporter, and yield its port."""
    clouds = directory / 'clouds.yaml'
    clouds.write_text(json.dumps({'clouds': {'here': {
        'auth_type': 'none', 'auth': {'endpoint': url}}}}))
    port = portpicker.pick_unused_port()
    with subprocess.Popen(
            [sys.executable, '-m', 'glance_progress.cmd.progress', 'exporter',
             '--os-cloud', 'here',
             '--web.listen-address', '127.0.0.1:%d' % port],
            env={**os.environ,
                 'OS_CLIENT_CONFIG_FILE': str(clouds)}) as process:
        while service.port_is_free(port):
            time.sleep(0.1)
        yield port
        process.terminate()


def _scraped(port: int) -> tuple[float, str]:
    """Return the seconds that a scrape takes, and what it says."""
    started = time.perf_counter()
    peer = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
    peer.request('GET', '/metrics')
    with peer.getresponse() as answer:
        text = answer.read().decode()
    peer.close()
    return time.perf_counter() - started, text


CASES = ('healthy', 'black_hole', 'many', 'scrape', 'watchers')


def main() -> None:
    args = cases.arguments('api', __doc__, CASES, 5)
    with tempfile.TemporaryDirectory(prefix='gp-bench-') as directory:
        with Bench(pathlib.Path(directory), args.size * MiB,
                   args.runs) as bench:
            for case in args.cases or CASES:
                getattr(bench, case)()


if __name__ == '__main__':
    main()
