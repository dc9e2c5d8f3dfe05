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

"""Uploads by hosts whose clocks differ by an hour, as one memcached has them.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys
import time

import allinone.daemons.memcached
from glance_progress.answer import database
from glance_progress.answer import reconcile
from glance_progress.answer import shown
from glance_progress.records import memcached
from glance_progress.records import reader
from glance_progress.records import store_names
from glance_progress.records import wire
from tests.functional import base
from tests.functional import services

HOUR = 3600

# Another host: a process whose clock is off, which uploads by the real driver.
_ELSEWHERE = """
import sys, time
clock, offset = time.time, float(sys.argv[1])
time.time = lambda: clock() + offset
time.time_ns = lambda: int(time.time() * 10 ** 9)
from tests.functional import upload_one
upload_one.main(*sys.argv[2:])
"""


class ClocksTest(base.TestCase):

    def setUp(self) -> None:
        super().setUp()
        self.image = self.image_id()
        server = allinone.daemons.memcached.Memcached(
            services.directory(), name='memcached-' + self.image[:8])
        self.addCleanup(server.stop)
        server.start()
        server.wait_ready()
        self.conf_ = self.conf(servers=server.address, update_interval=0.1)
        self.reader = reader.Reader(memcached.from_conf(self.conf_))

    def upload(self, offset: float) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            [sys.executable, '-c', _ELSEWHERE, str(offset),
             self.conf_.config_file[0], self.image],
            stdout=subprocess.DEVNULL,
            cwd=pathlib.Path(__file__).parents[2])
        self.addCleanup(child.wait)
        return child

    def look(self) -> dict[str, wire.Record]:
        found = self.reader.read(
            [self.image], [store_names.UNNAMED, wire.STAGING_STORE])
        return {store: each for (_, store), each in (found or {}).items()}

    def staged(self, offset: float) -> None:
        """Have it staged by a host whose clock is off by *offset*."""
        now = time.time() + offset
        staged = wire.Record(
            image_id=self.image, store=wire.STAGING_STORE, state=wire.FINISHED,
            bytes_written=40 * base.MiB, total_bytes=40 * base.MiB,
            started_at=now, updated_at=now, sequence=int(now * 10 ** 9))
        self.assertEqual([], memcached.from_conf(self.conf_).set_many(
            {staged.key: staged.to_json()}, 600))

    def test_import_of_what_another_host_has_staged(self) -> None:
        for staged, imported in ((0, -HOUR), (HOUR, 0), (-HOUR, HOUR)):
            self.image = self.image_id()
            self.staged(staged)
            child = self.upload(imported)
            image = database.Image(
                image_id=self.image, name=None, owner=None,
                status='importing', size=40 * base.MiB,
                targets=frozenset([store_names.UNNAMED]), importing=True)
            percents = []
            while child.poll() is None or not percents:
                described = shown.describe(
                    image, self.look(), time.time(), 60)
                store, = (each for each in described['stores']
                          if each['store'] == store_names.UNNAMED)
                if store['state'] != reconcile.WAITING:
                    percents.append(store['percent'])
            self.assertEqual(0, child.returncode)
            self.assertEqual(sorted(percents), percents)
            self.assertGreater(len(set(percents)), 2)

    def test_attempts_of_two_hosts(self) -> None:
        """The later one is the newest, whatever it believes of the time."""
        sequences = []
        for offset in 0, -HOUR, HOUR, 0:
            self.assertEqual(0, self.upload(offset).wait(120))
            self.delete()
            sequences.append(self.look()[store_names.UNNAMED].sequence)
        self.assertEqual(sorted(set(sequences)), sequences)

    def delete(self) -> None:
        """Make room for the next attempt."""
        self.store(self.conf_, 'rbd')._delete_image(
            services.POOL, self.image, 'snap')
