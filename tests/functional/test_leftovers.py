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

"""What a worker that is killed leaves behind is found, and taken away."""

from __future__ import annotations

import io
import json
import os
import pathlib
import signal
import subprocess
import sys
from typing import Any
import uuid

from allinone.daemons import glance
import psutil
import rbd
from testtools import content

from glance_progress.ceph import journal
from tests.functional import api_base
from tests.functional import base
from tests.functional import glance_base
from tests.functional import services

MiB = base.MiB
SOON = pathlib.Path(__file__).with_name('leftovers_soon.py')
STATUS = pathlib.Path(__file__).with_name('status_soon.py')


class LeftoversCase(api_base.ApiTestCase):
    """Kills workers, and runs the command."""

    def setUp(self) -> None:
        super().setUp()
        self.python = str(self.api.venv / 'bin' / 'python3')
        self.before = {
            name for pool in services.POOLS
            for name in [*rbd.RBD().list(self.ioctx(pool)),
                         *self.in_trash(pool)]}

    def run_command(
        self, *args: str, status: int | None = None, older_than: str = '0',
        between: float = 2,
    ) -> dict[str, Any]:
        """Run the command where glance-api runs, and return what it says.

        :param status: what it ends with; None where others have left in the
            pools what this Glance does not know
        """
        done = subprocess.run(
            [self.python, str(SOON), str(between), '--config-file',
             str(self.api.conf), '-f', 'json', '--older-than', older_than,
             *args], capture_output=True, text=True)
        self.addDetail('stderr', content.text_content(done.stderr))
        self.assertIn(done.returncode, (0, 2) if status is None else (status,),
                      done.stdout + done.stderr)
        try:
            return json.loads(done.stdout)
        except ValueError:
            return {'said': done.stdout}

    def found(self, *args: str, **kwargs: Any) -> dict[str, tuple[str, ...]]:
        """Return kind and state of what was found, by image.

        But for what was there before: other tests use the same pools.
        """
        answer = self.run_command(*args, **kwargs)
        self.addDetail('findings', content.text_content(
            json.dumps(answer['findings'], indent=1)))
        by_image: dict[str, tuple[str, ...]] = {}
        for each in answer['findings']:
            if each['image_id'] in self.before or (
                    each['state'] == 'waiting'):
                continue
            by_image[each['image_id']] = (
                *by_image.get(each['image_id'], ()),
                '%s %s' % (each['kind'], each['state']))
        return by_image

    def checked(self) -> tuple[int, str]:
        """Return the result of the status check, and its details."""
        done = subprocess.run(
            [sys.executable, str(STATUS), '--config-file',
             str(self.api.conf), 'check', '--json'], capture_output=True,
            text=True)
        check, = (each for each in json.loads(done.stdout)['checks']
                  if each['check'] == 'Leftovers')
        return check['result'], check['details']

    def metrics(self, *args: str, status: int) -> dict[str, float]:
        """Run the command, and return what node_exporter would read."""
        path = services.directory() / 'leftovers.prom'
        self.run_command('--textfile', str(path), *args, status=status)
        return {line.rpartition(' ')[0]: float(line.rpartition(' ')[2])
                for line in path.read_text().splitlines()
                if not line.startswith('#')}

    def kill_workers(self) -> None:
        """Kill what handles requests; uwsgi's master makes others."""
        assert self.api.pid is not None
        for worker in psutil.Process(self.api.pid).children():
            os.kill(worker.pid, signal.SIGKILL)

    def uploading(self, target: str = 'file') -> str:
        image_id = self.create()
        upload = self.upload(image_id, 4 * MiB, target)
        upload.send(base.data(2 * MiB))
        self.wait_shown(image_id, bytes_written=2 * MiB)
        return image_id

    def watched(self, name: str, pool: str = services.POOL) -> bool:
        with rbd.Image(self.ioctx(pool), name, read_only=True) as image:
            return bool(list(image.watchers_list()))

    def names(self, pool: str = services.POOL) -> list[str]:
        return [name for name in rbd.RBD().list(self.ioctx(pool))
                if name not in self.before]

    def in_trash(self, pool: str = services.POOL) -> list[str]:
        return [each['name']
                for each in rbd.RBD().trash_list(self.ioctx(pool))]

    def make(self, name: str, snapshot: bool = False) -> str:
        ioctx = self.ioctx()
        rbd.RBD().create(ioctx, name, MiB, old_format=False)
        if snapshot:
            with rbd.Image(ioctx, name) as image:
                image.create_snap('snap')
                image.protect_snap('snap')
        return name

    def status(self, image_id: str) -> str:
        return self.client.images.get(image_id).status


class LeftoversTest(LeftoversCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make('glance-leftovers', stores={
            name: api_base.STORES[name]
            for name in ('ceph', 'second', 'third')})

    def move_to_another_cluster(self, image_id: str) -> str:
        """Have an image's location name a cluster that ours once was."""
        services.mariadb().execute(
            "USE {0}; UPDATE image_locations SET value = CONCAT('rbd://{1}/', "
            "SUBSTRING_INDEX(value, '/', -3)) WHERE image_id = '{2}'".format(
                self.api.database.name, uuid.UUID(int=0), image_id))
        return image_id

    def test_all(self) -> None:
        whole = self.put(base.data(MiB))
        lost = self.put(base.data(MiB))
        moved = self.move_to_another_cluster(self.put(base.data(MiB)))
        nova = self.make(self.create(), snapshot=True)
        stranger = self.make(self.image_id())
        volume = self.make('volume-' + self.image_id())
        copied = self.put(base.data(12 * MiB))
        imported = self.stage(content=base.data(12 * MiB))
        saving, gone = self.uploading(), self.uploading()
        staged = self.uploading('stage')
        self.slow_ceph()
        self.client.images.image_import(
            imported, 'glance-direct', stores=['ceph'])
        self.api.client(glance_base.ADMIN_HEADERS).images.image_import(
            copied, 'copy-image', stores=['second'])
        self.wait_store(imported, 'ceph', state='uploading')
        self.wait_store(copied, 'second', state='uploading')
        self.wait_for(lambda: imported in self.names()
                      and copied in self.names(services.SECOND_POOL))
        self.kill_workers()
        # As long as Ceph has not forgotten the dead, they may live.
        self.assertTrue(self.watched(saving))
        found = self.found(between=0.1)
        if self.watched(saving):  # a machine may be too slow for that
            self.assertNotIn(saving, found)
        self.wait_for(self.api.ready)
        self.client.images.delete(gone)
        with rbd.Image(self.ioctx(), lost) as image:
            image.unprotect_snap('snap')
            image.remove_snap('snap')
        rbd.RBD().remove(self.ioctx(), lost)
        self.wait_for(lambda: not any(
            [self.watched(saving), self.watched(gone),
             self.watched(imported),
             self.watched(copied, services.SECOND_POOL)]), 60)
        living = self.create()
        upload = self.upload(living, 6 * MiB)
        upload.send(base.data(2 * MiB))
        self.wait_shown(living, bytes_written=2 * MiB)
        expected = {
            saving: ('uploads left behind',),
            staged: ('uploads left behind',),
            imported: ('uploads left behind',),
            gone: ('data left behind',),
            copied: ('tasks left behind', 'copies left behind',
                     'staging left behind'),
            lost: ('lost missing',),
            nova: ('data unknown',),
            stranger: ('data unknown',),
        }
        self.assertEqual(expected, self.found())
        # glance-api waits a minute for more.
        upload.send(base.data(1 * MiB))
        # Age is asked for beside all that.
        self.assertEqual([lost], list(self.found(older_than='1')))
        self.assertEqual('saving', self.status(saving))
        result, details = self.checked()
        self.assertEqual(1, result, details)
        self.assertIn('uploads: 3', details)
        metrics = self.metrics(status=2)
        name = 'glance_progress_leftovers{kind="%s",state="%s"}'
        self.assertEqual(3, metrics[name % ('uploads', 'left behind')])
        self.assertEqual(1, metrics[name % ('lost', 'missing')])
        self.assertEqual(12 * MiB, metrics[
            'glance_progress_leftovers_bytes'
            '{kind="copies",state="left behind"}'])
        upload.send(base.data(1 * MiB))
        answer = self.run_command('--remove', '--yes', status=2)
        self.assertEqual(7, len(answer['done']), answer)
        upload.send(base.data(1 * MiB))
        self.assertEqual(
            {'queued'}, {self.status(each)
                         for each in (saving, staged, imported)})
        properties = self.api.client(
            glance_base.ADMIN_HEADERS).images.get(copied)
        self.assertEqual('active', properties.status)
        self.assertNotIn('os_glance_import_task', properties)
        self.assertEqual(
            {whole, moved, nova, stranger, volume, copied, living},
            set(self.names()))
        self.assertEqual([], self.names(services.SECOND_POOL))
        self.assertTrue(self._has_no_task())
        self.assertEqual(
            {lost: ('lost missing',), nova: ('data unknown',),
             stranger: ('data unknown',)}, self.found())
        upload.send(base.data(1 * MiB))
        self.assertEqual(204, upload.end())
        # All of them can be repeated,
        self.client.images.upload(saving, io.BytesIO(b'abc'), image_size=3)
        self.client.images.stage(staged, io.BytesIO(b'abc'))
        self.client.images.stage(imported, io.BytesIO(b'abc'))
        self.api.client(glance_base.ADMIN_HEADERS).images.image_import(
            copied, 'copy-image', stores=['second'])
        self.wait_for(lambda: self.client.images.get(copied).stores
                      == 'ceph,second')
        # and what was taken away comes back.
        rbd_id, = (each['id'] for each in rbd.RBD().trash_list(self.ioctx())
                   if each['name'] == gone)
        with rbd.Image(self.ioctx(), image_id=rbd_id):
            answer = self.run_command('--restore', gone, status=0)
        self.assertIn('has it open', answer['said'])
        self.assertNotIn(gone, self.names())
        self.run_command('--restore', gone, status=0)
        self.assertIn(gone, self.names())
        self.assertNotIn(gone, self.found(older_than='1'))

    def test_two_at_once(self) -> None:
        lock = journal.Lock(self.ioctx())
        lock.renew()
        self.assertIn('another', self._refused())
        lock.release()

    def test_ceph_is_away(self) -> None:
        with self.ceph_stopped():
            self.assertIn('stopped', self._refused())

    def test_database_is_away(self) -> None:
        broken = self.conf_file(database={
            'connection': 'mysql+pymysql://a:secret@127.0.0.1:1/glance',
            'max_retries': 0})
        said = self._refused('--config-file', str(broken))
        self.assertIn('stopped', said)
        self.assertNotIn('secret', said)

    def _refused(self, *args: str) -> str:
        done = subprocess.run(
            [sys.executable, str(SOON), '0', '--config-file',
             str(self.api.conf), *args, '--remove', '--yes'],
            capture_output=True, text=True)
        self.assertEqual(255, done.returncode)
        return done.stderr
