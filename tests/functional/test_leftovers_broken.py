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

"""A removal that ends in the middle is completed by the next."""

from __future__ import annotations

import pathlib
import signal
import subprocess
import sys
import time

from allinone.daemons import glance

from tests.functional import api_base
from tests.functional import base
from tests.functional import forwarder
from tests.functional import leftovers_halting
from tests.functional import services
from tests.functional import test_leftovers

MiB = base.MiB
HALTING = pathlib.Path(leftovers_halting.__file__)


class BrokenRemovalTest(test_leftovers.LeftoversCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make('glance-leftovers-broken')

    def halted(self, point: str, *args: str) -> subprocess.Popen[str]:
        """Begin a removal, which has come to *point*."""
        # The lock of one that was killed is free after some seconds.
        process: subprocess.Popen[str] = self.wait_for(
            lambda: self._begun(point, *args))
        return process

    def _begun(
        self, point: str, *args: str
    ) -> subprocess.Popen[str] | None:
        process = subprocess.Popen(
            [sys.executable, str(HALTING), point, '--config-file',
             str(self.api.conf), *args, '--older-than', '0', '--remove',
             '--yes'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, bufsize=1)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        assert process.stdout is not None
        for line in process.stdout:
            if line == 'halted\n':
                return process
        _, said = process.communicate()
        self.assertIn('another run', said)
        return None

    def goes_on(self, process: subprocess.Popen[str]) -> str:
        """Have it go on, and return what it says when it gives up."""
        _, said = process.communicate('\n' * 100)
        self.assertEqual(255, process.returncode, said)
        self.assertNotIn('Traceback', said)
        return said

    def trashed(self) -> list[str]:
        return sorted(set(self.in_trash()) - self.before)

    def test_it_is_completed(self) -> None:
        killed = sorted(self.uploading() for _ in range(4))
        importing = self.stage(content=base.data(12 * MiB))
        self.slow_ceph()
        self.client.images.image_import(
            importing, 'glance-direct', stores=['ceph'])
        self.wait_for(lambda: importing in self.names())
        self.kill_workers()
        self.wait_for(self.api.ready)
        killed.append(importing)
        self.wait_for(lambda: not any(map(self.watched, killed)), 60)
        with forwarder.Forwarder(services.mariadb().port) as database:
            override = self.conf_file(database={
                'connection': self.api.database.connection.replace(
                    str(services.mariadb().port), str(database.port)),
                'max_retries': 0})
            process = self.halted('noted', '--config-file', str(override))
            database.cut()
            self.assertIn('stopped', self.goes_on(process))
        self.assertEqual([], self.trashed())
        process = self.halted('reset')
        with self.ceph_stopped():
            self.assertIn('stopped', self.goes_on(process))
        for point in ('noted', 'reset', 'unlocked', 'moved'):
            self.halted(point).send_signal(signal.SIGKILL)
        time.sleep(leftovers_halting.LOCK_SECONDS)
        self.run_command('--remove', '--yes')
        self.assertEqual([], self.names())
        self.assertEqual(sorted(killed), self.trashed())
        self.assertEqual({'queued'}, set(map(self.status, killed)))
        self.assertEqual({}, self.found())

    def test_without_memcached(self) -> None:
        image_id = self.uploading()
        self.kill_workers()
        self.wait_for(self.api.ready)
        self.wait_for(lambda: not self.watched(image_id), 60)
        away = self.conf_file(glance_progress={
            'memcached_servers': '127.0.0.1:1'})
        self.run_command('--config-file', str(away), '--remove', '--yes')
        self.assertEqual('queued', self.status(image_id))

    def test_other_staging_areas(self) -> None:
        """What other hosts have staged is theirs."""
        staged = self.stage(content=base.data(MiB))
        half = self.uploading('stage')
        self.kill_workers()
        self.wait_for(self.api.ready)
        self.forget(half)
        other = self.conf_file(os_glance_staging_store={
            'filesystem_store_datadir': services.directory() / 'other'})
        self.assertEqual(
            {half: ('uploads unknown',)},
            self.found('--config-file', str(other), '--remove', '--yes'))
        self.assertEqual('uploading', self.status(staged))
        self.client.images.image_import(
            staged, 'glance-direct', stores=['ceph'])
        self.wait_for(lambda: self.status(staged) == 'active')
