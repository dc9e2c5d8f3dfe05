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

"""Whatever happens to memcached, an upload does not notice."""

from __future__ import annotations

from collections.abc import Callable
import hashlib
import pathlib
import signal
import socket
import subprocess
import sys
import time

import portpicker
from pymemcache.client import rendezvous

from allinone import black_hole
import allinone.daemons.memcached
from glance_progress.records import memcached
from glance_progress.records import reader
from glance_progress.records import store_names
from glance_progress.records import wire
from tests.functional import base
from tests.functional import services

CHUNKS = 40

# An upload takes about a second here. One that waited for memcached's
# timeouts at each chunk would take CHUNKS * 0.3 s and more.
TOO_LONG = 11


class FaultTest(base.TestCase):

    def setUp(self) -> None:
        super().setUp()
        self.content = base.data(CHUNKS * base.MiB)
        self.image = self.image_id()

    def memcached(
        self, port: int | None = None
    ) -> allinone.daemons.memcached.Memcached:
        """Return a memcached of the test's own, not yet started."""
        server = allinone.daemons.memcached.Memcached(
            services.directory(), port=port, name=self.server_name())
        self.addCleanup(server.stop)
        return server

    def server_name(self) -> str:
        self._servers = getattr(self, '_servers', 0) + 1
        return 'memcached-%s-%d' % (self.image[:8], self._servers)

    def started(
        self, port: int | None = None
    ) -> allinone.daemons.memcached.Memcached:
        server = self.memcached(port)
        server.start()
        server.wait_ready()
        return server

    def upload(
        self, servers: str, events: dict[int, Callable[[], object]] = {},
        **options: object,
    ) -> None:
        """Upload, and have each of *events* happen before its chunk."""
        self.upload_conf = self.conf(
            servers=servers, update_interval=0.1, **options)
        store = self.store(self.upload_conf)
        waited = 0.0

        def at_read(number: int) -> None:
            nonlocal waited
            started = time.monotonic()
            events.get(number, lambda: None)()
            waited += time.monotonic() - started

        started = time.monotonic()
        result = store.add(
            self.image, base.Body(self.content, at_read), len(self.content),
            'sha512')
        self.took = time.monotonic() - started - waited
        self.assertEqual(len(self.content), result[1])
        self.assertEqual(hashlib.md5(self.content).hexdigest(), result[2])
        self.assertEqual(hashlib.sha512(self.content).hexdigest(), result[3])
        self.assertEqual(self.content, self.rbd_content(self.image))
        self.assertLess(self.took, TOO_LONG)

    def key(self) -> str:
        return wire.key(self.image, store_names.UNNAMED)

    def join(self, server: str, *others: str) -> str:
        """Return several servers, *server* being the first that is asked.

        The image becomes another one if its record belongs elsewhere.
        """
        places = rendezvous.RendezvousHash(nodes=[server, *others])
        while places.get_node(self.key()) != server:
            self.image = self.image_id()
        return ','.join([server, *others])

    def published(self) -> wire.Record | None:
        return self.record(self.upload_conf, self.image)

    def wait_published(self, at_least: int = 0) -> None:
        """Wait until memcached knows of so many bytes."""
        self.wait_for(
            lambda: (record := self.published()) is not None
            and record.bytes_written >= at_least)

    def assert_finished(self) -> None:
        self.wait_for(
            lambda: (record := self.published()) is not None
            and record.state == wire.FINISHED)

    def test_healthy(self) -> None:
        server = self.started()
        self.upload(server.address, {
            0: self.wait_published,
            20: lambda: self.wait_published(20 * base.MiB)})
        self.assert_finished()

    def test_absent(self) -> None:
        self.upload('127.0.0.1:%d' % portpicker.pick_unused_port())

    def test_absent_at_first(self) -> None:
        server = self.memcached()
        self.upload(server.address, {
            10: server.start,
            30: lambda: self.wait_published(30 * base.MiB)})
        self.assert_finished()

    def test_killed(self) -> None:
        server = self.started()
        self.upload(server.address, {
            10: lambda: server.send_signal(signal.SIGKILL)})

    def test_restarted(self) -> None:
        server = self.started()

        def restart() -> None:
            server.stop()
            server.start()
            server.wait_ready()

        self.upload(server.address, {
            10: restart,
            20: lambda: self.wait_published(20 * base.MiB)})
        self.assert_finished()

    def test_stopped_for_a_while(self) -> None:
        # It accepts connections (its kernel does) and never answers.
        server = self.started()
        self.addCleanup(self._continue, server)
        self.upload(server.address, {
            10: lambda: server.send_signal(signal.SIGSTOP),
            35: lambda: server.send_signal(signal.SIGCONT),
            39: lambda: self.wait_published(35 * base.MiB)})
        self.assert_finished()

    def test_stopped(self) -> None:
        server = self.started()
        server.send_signal(signal.SIGSTOP)
        self.addCleanup(self._continue, server)
        self.upload(server.address)

    def _continue(self, server: allinone.daemons.memcached.Memcached) -> None:
        if server.running:
            server.send_signal(signal.SIGCONT)

    def test_black_hole(self) -> None:
        hole = self.useFixture(black_hole.BlackHole())
        self.upload(hole.address)

    def test_one_of_three_dead(self) -> None:
        servers = [self.started() for _ in range(3)]
        addresses = ','.join((s.address for s in servers))

        def kill_holder() -> None:
            # A pause may have made the client prefer another one.
            for server in servers:
                if self._holds(server):
                    server.send_signal(signal.SIGKILL)
                    return

        self.upload(addresses, {
            10: lambda: (self.wait_published(), kill_holder()),
            20: lambda: self.wait_published(20 * base.MiB)})
        self.assert_finished()

    def _holds(self, server: allinone.daemons.memcached.Memcached) -> bool:
        client = memcached.Memcached([server.address], 1, 1)
        key = self.key()
        return any(key in answer for answer in client.get_many([key]))

    def test_one_comes_back_with_what_was_before(self) -> None:
        """It is told, so that the others may go."""
        servers = [self.started() for _ in range(2)]
        first = []

        def stop_holder() -> None:
            self.wait_published(5 * base.MiB)
            first.extend(each for each in servers if self._holds(each))
            first[0].send_signal(signal.SIGSTOP)
            self.addCleanup(self._continue, first[0])

        self.upload(','.join(each.address for each in servers), {
            10: stop_holder, 30: lambda: self.wait_published(20 * base.MiB)})
        self.assert_finished()
        first[0].send_signal(signal.SIGCONT)
        conf = self.conf(servers=first[0].address)
        self.wait_for(
            lambda: (record := self.record(conf, self.image)) is not None
            and record.state == wire.FINISHED)

    def test_one_of_three_stopped_while_many_look(self) -> None:
        """The records of the others are there at each look."""
        servers = [self.started() for _ in range(3)]
        addresses = [server.address for server in servers]
        places = rendezvous.RendezvousHash(nodes=addresses)
        conf = self.conf(servers=','.join(addresses))
        client = memcached.from_conf(conf)
        records = [wire.Record(
            image_id=self.image_id(), store='ceph', state=wire.UPLOADING,
            bytes_written=1, total_bytes=2, started_at=1.0, updated_at=1.0,
            sequence=1) for _ in range(30)]
        self.assertEqual([], client.set_many(
            {each.key: each.to_json() for each in records}, 600))
        stopped = servers[0]
        stopped.send_signal(signal.SIGSTOP)
        self.addCleanup(stopped.send_signal, signal.SIGCONT)
        rest = {each.image_id for each in records
                if places.get_node(each.key) != stopped.address}
        looking = reader.Reader(memcached.from_conf(conf))
        # Longer than a silent server is left alone: it is asked twice.
        until = time.monotonic() + memcached.RETRY_AFTER + 2
        while time.monotonic() < until:
            found = looking.read(
                [each.image_id for each in records], ['ceph'])
            self.assertEqual(rest, {image for image, _ in found or {}})
            time.sleep(0.2)

    def test_one_of_three_a_black_hole(self) -> None:
        hole = self.useFixture(black_hole.BlackHole())
        servers = [self.started().address for _ in range(2)]
        self.upload(self.join(hole.address, *servers), {
            20: lambda: self.wait_published(20 * base.MiB)})
        self.assert_finished()

    def test_no_such_name(self) -> None:
        self.upload('nowhere.invalid:11211')

    def test_some_name_does_not_resolve(self) -> None:
        server = self.started()
        self.upload(self.join('nowhere.invalid:11211', server.address), {
            20: lambda: self.wait_published(20 * base.MiB)})
        self.assert_finished()

    def test_name_server_does_not_answer(self) -> None:
        # resolv.conf belongs to the whole system, so another process gets a
        # mount namespace in which it names a server that is silent.
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(silent.close)
        silent.bind(('127.0.0.99', 53))
        resolv = services.directory() / 'resolv.conf'
        resolv.write_text(
            'nameserver 127.0.0.99\noptions timeout:5 attempts:2\n')
        server = self.started()
        conf_file = self.conf(
            servers=self.join('some.name.test:11211', server.address),
            update_interval=0.1).config_file[0]
        child = subprocess.run(
            ['unshare', '--mount', 'sh', '-c',
             'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"',
             'sh', resolv, sys.executable, '-m',
             'tests.functional.upload_one', conf_file, self.image],
            stdout=subprocess.PIPE, text=True, timeout=120,
            cwd=pathlib.Path(__file__).parents[2])
        self.assertEqual(0, child.returncode)
        first_wait, took = map(float, child.stdout.split())
        # One attempt to resolve it takes 5 s.
        self.assertLess(first_wait, 4.5)
        self.assertLess(took, TOO_LONG)
        self.assertTrue(silent.recv(4096, socket.MSG_DONTWAIT))
        self.upload_conf = self.conf(servers=server.address)
        self.assert_finished()

    def test_fault_in_our_own_code(self) -> None:
        server = self.started()
        self.useFixture(base.fixtures.MonkeyPatch(
            'glance_progress.records.wire.Record.to_json', _broken))
        self.upload(server.address)
        self.assertIsNone(self.published())


class EventletTest(base.TestCase):

    def test_all_of_them(self) -> None:
        """The same, in a process of which eventlet has replaced the threads.

        All in one: to begin takes it longer than most of them.
        """
        test = FaultTest
        done = subprocess.run(
            [services.released_venv('2025.2') / 'bin' / 'python3', '-m',
             'tests.functional.under_eventlet', str(self.ceph.directory),
             '%s.%s' % (test.__module__, test.__name__)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=base.HANGS - 20, cwd=pathlib.Path(__file__).parents[2])
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertRegex(done.stdout, r'Ran \d\d tests')


def _broken(*args: object) -> bytes:
    raise AssertionError('a bug')
