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

"""An upload takes the place of one that is over, and of nothing else."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import signal
import time

from allinone.daemons import glance
import psutil
import rbd

from glance_progress.records import memcached
from glance_progress.records import wire
from tests.functional import api_base
from tests.functional import base
from tests.functional import http_upload
from tests.functional import services
from tests.functional import test_leftovers

MiB = base.MiB
CONTENT = base.data(3 * MiB, 7)


class TakeoverTest(test_leftovers.LeftoversCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make('glance-takeover', processes=2, threads=4,
                             section={'stalled_after': 2})

    def put_again(self, image_id: str) -> int:
        upload = self.upload(image_id, len(CONTENT))
        upload.send(CONTENT)
        return upload.end()

    def refused(self, image_id: str) -> str:
        """Return what a PUT that Glance refuses is told."""
        answer = self.request(
            'PUT', '/v2/images/%s/file' % image_id,
            {**api_base.OWNER, 'Content-Type': 'application/octet-stream'},
            data=b'abc')
        self.assertEqual(409, answer.status_code)
        return answer.text

    def set_queued(self, image_id: str) -> None:
        """Do what administrators do to an image that is saving for ever."""
        services.mariadb().execute(
            "USE {0}; UPDATE images SET status = 'queued' WHERE id = '{1}'"
            .format(self.api.database.name, image_id))

    def trashed(self, image_id: str) -> list[str]:
        return [each['id'] for each in rbd.RBD().trash_list(self.ioctx())
                if each['name'] == image_id]

    def assert_stored(self, image_id: str) -> None:
        image = self.client.images.get(image_id)
        self.assertEqual('active', image.status)
        self.assertEqual(hashlib.sha512(CONTENT).hexdigest(),
                         image.os_hash_value)
        self.assertEqual(CONTENT, self.rbd_content(image_id))

    def test_what_was_killed(self) -> None:
        image_id = self.uploading()
        self.kill_workers()
        self.wait_for(self.api.ready)
        self.wait_for(lambda: 'glance-progress leftovers' in self.refused(
            image_id))
        self.assertIn('shows no sign of life since', self.api.log_tail(10000))
        self.set_queued(image_id)
        # As long as somebody is at it, and as Ceph believes that.
        with rbd.Image(self.ioctx(), image_id):
            self.assertNotEqual(204, self.put_again(image_id))
        self.wait_for(lambda: not self.watched(image_id), 60)
        self.assertEqual(204, self.put_again(image_id))
        self.assert_stored(image_id)
        rbd_id, = self.trashed(image_id)
        # It would come back, were there not another now.
        answer = self.run_command('--restore', rbd_id, status=0)
        self.assertIn('there is another', answer['said'])
        self.client.images.delete(image_id)
        answer = self.run_command('--restore', rbd_id, status=0)
        self.assertIn('restored', answer['said'])
        with rbd.Image(self.ioctx(), image_id) as image:
            self.assertEqual(4 * MiB, image.size())

    def test_what_was_killed_by_a_clock_that_is_ahead(self) -> None:
        """It is heard of no more, whatever time it says it is."""
        image_id = self.uploading()
        self.kill_workers()
        self.wait_for(self.api.ready)
        client = memcached.Memcached([services.memcached().address], 1, 1)
        key = wire.key(image_id, 'ceph')
        record = wire.Record.from_json(client.get_many([key])[0][key])
        ahead = dataclasses.replace(
            record, updated_at=record.updated_at + 3600)
        self.assertEqual([], client.set_many({key: ahead.to_json()}, 600))
        told = self.wait_for(lambda: re.search(
            'no sign of life since ([^ ]+)[.] If', self.refused(image_id)))
        self.assertLess(told[1], wire.iso(time.time()))
        self.set_queued(image_id)
        self.client.images.delete(image_id)

    def test_what_may_be_of_use(self) -> None:
        ioctx = self.ioctx()
        whole, locked, snapshot = (self.create() for _ in range(3))
        self.make(whole, snapshot=True)
        self.make(locked)
        with rbd.Image(ioctx, locked) as image:
            image.lock_exclusive('somebody')
        clone = self.create()
        base_name = self.make(self.image_id(), snapshot=True)
        rbd.RBD().clone(ioctx, base_name, 'snap', ioctx, clone, features=1)
        of_nova = self.make(self.create(image_type='snapshot'))
        for image_id in (whole, locked, clone, of_nova):
            self.assertNotEqual(204, self.put_again(image_id))
            self.assertEqual([], self.trashed(image_id))
            self.assertIn(image_id, self.names())
        # Copies are not told from what else may be registered.
        copied = self.put(CONTENT)
        second = self.ioctx(services.SECOND_POOL)
        rbd.RBD().create(second, copied, MiB, old_format=False)
        admin = self.api.client(api_base.ADMIN)
        admin.images.image_import(copied, 'copy-image', stores=['second'])
        self.wait_for(lambda: 'second' in str(admin.images.get(copied).get(
            'os_glance_failed_import')))
        self.assertIn(copied, rbd.RBD().list(second))

    def test_frozen(self) -> None:
        """A process that goes on after minutes finds its upload over."""
        image_id = self.create()
        frozen = self.upload(image_id, 4 * MiB)
        frozen.send(base.data(2 * MiB))
        self.wait_shown(image_id, bytes_written=2 * MiB)
        worker = self._writer(frozen)
        os.kill(worker, signal.SIGSTOP)
        self.addCleanup(os.kill, worker, signal.SIGCONT)
        self.wait_for(lambda: not self.watched(image_id), 60)
        # A process of this host that is there lives, and one of another
        # cannot be told from one that was killed.
        self.assertEqual({}, self.found())
        self.forget(image_id)
        self.run_command('--remove', 'uploads', '--yes')
        self.assertNotEqual([], self.trashed(image_id))
        self.assertEqual(204, self.put_again(image_id))
        self.assert_stored(image_id)
        os.kill(worker, signal.SIGCONT)
        frozen.send(base.data(2 * MiB))
        self.assertEqual(410, frozen.end())
        # Nothing keeps it from being purged.
        rbd_id, = self.trashed(image_id)
        with rbd.Image(self.ioctx(), image_id=rbd_id, read_only=True) as image:
            self.assertEqual([], list(image.list_snaps()))
        self.assert_stored(image_id)
        time.sleep(1)
        self.assert_stored(image_id)

    def _writer(self, upload: http_upload.Upload) -> int:
        """Return the process that handles a request."""
        assert self.api.pid is not None
        peer = upload.address
        for worker in psutil.Process(self.api.pid).children():
            if any(each.raddr and tuple(each.raddr) == peer
                   for each in worker.connections('tcp')):
                return worker.pid
        self.fail('nobody handles the request')
