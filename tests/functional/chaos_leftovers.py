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

"""Uploads, imports, copies, snapshots and deletions, and workers killed.

All the time, ``glance-progress leftovers --remove --yes --older-than 0`` runs.
No upload may fail but for a kill, no active image may lose a byte, and at the
end nothing is left. It takes some minutes, and is started by hand::

    python -m testtools.run tests.functional.chaos_leftovers

CHAOS is the number of actions, 200 if not set; CHAOS_SEED repeats a run.
"""

from __future__ import annotations

import concurrent.futures
import faulthandler
import hashlib
import os
import random
import subprocess
import sys
import threading
import time

from allinone.daemons import glance
from glanceclient import exc
import rbd

from tests.functional import api_base
from tests.functional import base
from tests.functional import glance_base
from tests.functional import nova_snapshots
from tests.functional import services
from tests.functional import test_direct_snapshots
from tests.functional import test_leftovers

#: Seconds between two looks: longer than Ceph keeps the dead.
BETWEEN_LOOKS = 35


class Chaos(nova_snapshots.TestCase, test_leftovers.LeftoversCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        services.ceph_of_nova()
        return api_base.make(
            'glance-chaos', processes=3, threads=16,
            stores={name: api_base.STORES[name]
                    for name in ('ceph', 'second')},
            options={'image_import_opts': {'max_parallel_stores': 2}})

    def setUp(self) -> None:
        super().setUp()
        faulthandler.cancel_dump_traceback_later()
        self.kills = 0
        self.over = threading.Event()
        self.addCleanup(self.over.set)
        self.hashes: dict[str, str] = {}
        self.wrong: list[str] = []
        self.outcomes: dict[str, int] = {}
        self.said: list[str] = []

    def count(self, what: str) -> None:
        self.outcomes[what] = self.outcomes.get(what, 0) + 1

    def act(self, number: int, seed: int) -> None:
        rng = random.Random('%d %d' % (seed, number))
        kills = self.kills
        what = rng.choice(
            ['put', 'put', 'import', 'copy', 'snapshot', 'delete'])
        try:
            failed = getattr(self, 'do_' + what)(rng, number)
        except Exception as fault:  # as of a worker that has gone
            failed = '%s: %s' % (type(fault).__name__, fault)
        if not failed:
            self.count(what + ' done')
        elif self.kills != kills or kills % 2:  # odd: one is under way
            self.count(what + ' killed')
        else:
            self.count(what + ' wrong')
            self.wrong.append('%s: %s' % (what, failed))

    def do_put(self, rng: random.Random, number: int) -> str | None:
        return self.put_slowly(rng, number)[1]

    def put_slowly(
        self, rng: random.Random, number: int
    ) -> tuple[str, str | None]:
        """Return an image, and why it has not become active."""
        image_id = self.create()
        content = base.data(rng.randint(1, 4) * base.MiB, number)
        self.hashes[image_id] = hashlib.sha512(content).hexdigest()
        upload = self.upload(image_id, len(content))
        for at in range(0, len(content), base.MiB // 2):
            upload.send(content[at:at + base.MiB // 2])
            time.sleep(rng.uniform(0, 0.8))
        status = upload.end()
        return image_id, (
            None if status == 204 else 'PUT %s: %d' % (image_id, status))

    def do_import(self, rng: random.Random, number: int) -> str | None:
        content = base.data(rng.randint(1, 8) * base.MiB, number)
        image_id = self.create()
        self.hashes[image_id] = hashlib.sha512(content).hexdigest()
        upload = self.upload(image_id, len(content), 'stage')
        upload.send(content)
        if upload.end() != 204:
            return 'stage'
        self.client.images.image_import(
            image_id, 'glance-direct', stores=rng.choice(
                [['ceph'], ['ceph', 'second']]))
        return self.wait_status(image_id)

    def do_copy(self, rng: random.Random, number: int) -> str | None:
        image_id, failed = self.put_slowly(rng, number)
        if failed:
            return failed
        admin = self.api.client(glance_base.ADMIN_HEADERS)
        admin.images.image_import(
            image_id, 'copy-image', stores=['second'])
        for _ in range(300):
            if 'second' in self.client.images.get(image_id).stores:
                return None
            time.sleep(0.2)
        return 'never copied'

    def do_snapshot(self, rng: random.Random, number: int) -> str | None:
        """Do what Nova does, also when Glance cannot be told of it."""
        objects = rng.randint(4, 12)
        disk = self.disk(objects, list(range(objects)))
        image_id = self.create(image_type='snapshot')
        self.clone(disk, image_id)
        time.sleep(rng.uniform(0, 2))
        with rbd.Image(self.images, image_id) as image:
            image.flatten()
        time.sleep(rng.uniform(0, 2))
        url = self.snap(image_id)
        self.hashes[image_id] = hashlib.sha512(
            b'x' * objects * base.MiB).hexdigest()
        try:
            answer = self.request(
                'POST', '/v2/images/%s/locations' % image_id,
                test_direct_snapshots.SERVICE, json={'url': url})
            failed = (self.wait_status(image_id, begun=False)
                      if answer.status_code == 202
                      else 'locations: %d' % answer.status_code)
        except Exception as fault:  # as of a worker that has gone
            failed = '%s: %s' % (type(fault).__name__, fault)
        if failed:
            self.give_up(image_id)
        return failed

    def give_up(self, image_id: str) -> None:
        """Delete an image, and then the RBD image that was to be its data."""
        self.hashes.pop(image_id)
        for _ in range(50):
            try:
                self.client.images.delete(image_id)
                break
            except exc.HTTPNotFound:
                break
            except Exception:
                time.sleep(1)
        try:
            with rbd.Image(self.images, image_id) as image:
                image.unprotect_snap('snap')
                image.remove_snap('snap')
            rbd.RBD().remove(self.images, image_id)
        except rbd.ImageNotFound:
            pass

    def do_delete(self, rng: random.Random, number: int) -> str | None:
        image_id = self.create()
        upload = self.upload(image_id, 2 * base.MiB)
        upload.send(base.data(base.MiB, number))
        time.sleep(rng.uniform(0, 2))
        self.client.images.delete(image_id)
        try:
            upload.send(base.data(base.MiB, number))
            status = upload.end()
        except ConnectionError:
            return None  # Glance has not waited for the rest
        # 409 if it was deleted while Glance had it begin
        return None if status in (204, 404, 409, 410) else 'PUT: %d' % status

    def wait_status(self, image_id: str, begun: bool = True) -> str | None:
        """Return why an image has not become active.

        :param begun: whether it is queued no more, if not given up
        """
        for _ in range(300):
            status = self.client.images.get(image_id).status
            if status == 'active':
                return None
            if begun and status == 'queued':
                return 'import of %s given up' % image_id
            begun = status != 'queued'
            time.sleep(0.2)
        return 'import of %s does not end' % image_id

    def remove_always(self) -> None:
        while not self.over.is_set():
            self.remove()

    def remove(self) -> int:
        done = subprocess.run(
            [sys.executable, str(test_leftovers.SOON), str(BETWEEN_LOOKS),
             '--config-file', str(self.api.conf), '--older-than', '0',
             '--remove', '--yes'], capture_output=True, text=True)
        self.said.append(done.stdout + done.stderr)
        return done.returncode

    def test_all(self) -> None:
        seed = int(os.environ.get('CHAOS_SEED') or time.time())
        rng = random.Random(seed)
        actions = int(os.environ.get('CHAOS') or 200)
        remover = threading.Thread(target=self.remove_always)
        remover.start()
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            futures = [pool.submit(self.act, number, seed)
                       for number in range(actions)]
            while not all(each.done() for each in futures):
                time.sleep(rng.uniform(5, 15))
                self.kills += 1
                self.kill_workers()
                self.wait_for(self.api.ready, 300)
                self.kills += 1
        self.over.set()
        remover.join()
        time.sleep(BETWEEN_LOOKS)
        self.remove()
        status = self.remove()
        print('seed %d, %d kills, %s, %d runs' % (
            seed, self.kills // 2, sorted(self.outcomes.items()),
            len(self.said)))
        print('removed: %d' % sum(
            each.count('Moved RBD image') for each in self.said))
        print(self.said[-1])
        print('\n'.join(self.wrong))
        checked = 0
        for image_id, expected in self.hashes.items():
            try:
                image = self.client.images.get(image_id)
            except exc.HTTPNotFound:
                continue
            if image.status == 'active':
                for store in image.stores.split(','):
                    pool = {'ceph': services.POOL,
                            'second': services.SECOND_POOL}[store]
                    self.assertEqual(
                        expected, hashlib.sha512(self.content(
                            image_id, pool)).hexdigest())
                    checked += 1
        print('%d of %d hashes are right' % (checked, len(self.hashes)))
        self.assertEqual([], self.wrong)
        self.assertEqual(0, status, self.said[-1])

    def content(self, image_id: str, pool: str) -> bytes:
        with rbd.Image(self.ioctx(pool), image_id, snapshot='snap',
                       read_only=True) as image:
            return image.read(0, image.size())
