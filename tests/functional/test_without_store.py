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

"""Locations that name no store do what they do with the stock driver.

Of the time before enabled_backends, of another cluster, of another pool.
"""

from __future__ import annotations

import hashlib
import io
import json
import pathlib
import re
import subprocess
import sys
from typing import Any
import uuid

import glanceclient.exc
import rados
import rbd
import requests
import testscenarios

from allinone.daemons import glance
from allinone.daemons import glance_config
from tests.functional import api_base
from tests.functional import base
from tests.functional import glance_base
from tests.functional import services

CONTENT = base.data(base.MiB + 1)

#: Where an image lies, whether with a snapshot, and what its location says.
LOCATIONS = {
    'old': (services.POOL, False, 'rbd://{image}'),
    'old, with a snapshot': (services.POOL, True, 'rbd://{image}'),
    'old, in another store': (services.SECOND_POOL, False, 'rbd://{image}'),
    'foreign fsid': (
        services.POOL, True, 'rbd://{foreign}/images/{image}/snap'),
    'foreign pool': (
        services.THIRD_POOL, True, 'rbd://{fsid}/third/{image}/snap'),
    'both foreign': (
        services.THIRD_POOL, True, 'rbd://{foreign}/third/{image}/snap'),
    'its own': (services.POOL, True, 'rbd://{fsid}/images/{image}/snap'),
    'no snapshot': (services.POOL, False, 'rbd://{fsid}/images/{image}/snap'),
    'nowhere': (None, False, 'rbd://{foreign}/images/{image}/snap'),
    'no pool': (None, False, 'rbd://{fsid}/nowhere/{image}/snap'),
    'malformed': (None, False, 'rbd://images/{image}'),
    'of no store': (None, False, 'file:///{image}'),
}

#: The type that stores are configured as, of who serves them.
TYPES = {'stock': 'rbd', 'ours': 'rbd', 'ours by type': 'rbd_progress'}

#: Modes of glance_store, and the stores in it.
STORES = {
    'single': {'http': {'type': 'http'},
               'ceph': {'type': None, 'pool': services.POOL}},
    'multi': {'web': {'type': 'http'},
              'ceph': {'type': None, 'pool': services.POOL},
              'second': {'type': None, 'pool': services.SECOND_POOL}},
    'one': {'ceph': {'type': None, 'pool': services.POOL}},
}


def of_type(stores: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return *stores* with their RBD stores of the type *kind*."""
    return {name: {**options, 'type': options['type'] or kind}
            for name, options in stores.items()}


class LocationTestCase(base.TestCase):

    def setUp(self) -> None:
        super().setUp()
        with rados.Rados(conffile=str(self.ceph.client_conf),
                         rados_id=services.CEPH_USER) as cluster:
            self.fsid = cluster.get_fsid()

    def write(self, name: str, image_id: str) -> str:
        """Have an image in Ceph, and return its location."""
        pool, snapshot, location = LOCATIONS[name]
        if pool is not None:
            ioctx = self.ioctx(pool)
            rbd.RBD().create(ioctx, image_id, len(CONTENT))
            with rbd.Image(ioctx, image_id) as image:
                image.write(CONTENT, 0)
                if snapshot:
                    image.create_snap('snap')
                    image.protect_snap('snap')
        return location.format(
            image=image_id, fsid=self.fsid, foreign=uuid.UUID(int=0))

    def left(self, image_id: str) -> dict[str, list[str]]:
        """Return what there is of an image, by pool."""
        found = {}
        for pool in services.POOLS:
            ioctx = self.ioctx(pool)
            found[pool] = [
                kind for kind, names in (
                    ('image', rbd.RBD().list(ioctx)),
                    ('trash', [each['name'] for each
                               in rbd.RBD().trash_list(ioctx)]))
                if image_id in names]
        return found

    def remove(self, image_id: str) -> None:
        """Leave nothing for the next, who will use the same id."""
        for pool in services.POOLS:
            ioctx = self.ioctx(pool)
            for each in rbd.RBD().trash_list(ioctx):
                if each['name'] == image_id:
                    rbd.RBD().trash_restore(ioctx, each['id'], image_id)
            if image_id in rbd.RBD().list(ioctx):
                with rbd.Image(ioctx, image_id) as image:
                    for snapshot in image.list_snaps():
                        if image.is_protected_snap(snapshot['name']):
                            image.unprotect_snap(snapshot['name'])
                        image.remove_snap(snapshot['name'])
                rbd.RBD().remove(ioctx, image_id)


class GlanceStoreTest(testscenarios.WithScenarios, LocationTestCase):

    scenarios = [(mode, {'mode': mode}) for mode in STORES]

    def conf_of(self, kind: str) -> pathlib.Path:
        multi_store = self.mode != 'single'
        return self.conf_file(**glance_config.store_options(
            of_type(STORES[self.mode], kind),
            'ceph' if multi_store else 'rbd', multi_store,
            services.directory(), self.ceph.client_conf))

    def observe(self, kind: str, images: dict[str, str]) -> dict[str, Any]:
        """Read and delete every image, and look what is left."""
        process = subprocess.Popen(
            [sys.executable, '-m', 'tests.functional.by_location',
             str(self.conf_of(kind))], cwd=services.PROJECT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def do(*call: str | None) -> Any:
            process.stdin.write(json.dumps(call) + '\n')
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        seen = {}
        with process:
            for name in LOCATIONS:
                image_id = images[name]
                uri = self.write(name, image_id)
                seen[name] = [
                    do('get', uri, None), do('get_size', uri, None),
                    do('get', uri, 'ceph'), do('delete', uri, None),
                    self.left(image_id), do('delete', uri, 'ceph'),
                    self.left(image_id)]
                self.remove(image_id)
            process.stdin.close()
        self.assertEqual(0, process.returncode)
        return seen

    def test_same_outcome(self) -> None:
        images = {name: self.image_id() for name in LOCATIONS}
        expected = self.observe('rbd', images)
        seen = self.observe('rbd_progress', images)
        self.assertEqual(expected, seen)
        # It is to the point: the stock driver finds what is there.
        read = [hashlib.sha256(CONTENT).hexdigest(), len(CONTENT)]
        for name in ('old', 'foreign fsid', 'foreign pool', 'both foreign'):
            self.assertEqual(read, expected[name][0], name)
            self.assertEqual(
                dict.fromkeys(services.POOLS, []), expected[name][4], name)


class GlanceTest(glance_base.GlanceTestCase, LocationTestCase):
    """Through glance-api, and its scrubber."""

    NAMES = ('old', 'old, in another store', 'foreign fsid', 'foreign pool',
             'its own', 'nowhere')

    # Where multi_backend.get() has to look into a second store, it changes
    # the dictionary that it goes through (glance_store 5.7.0: the update of
    # enabled_backends with the reserved stores).
    UPSTREAM_DEFECT = 'dictionary changed size during iteration'

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-without-store', stores=of_type(STORES['multi'], 'rbd'),
            options={'DEFAULT': {'enabled_import_methods': '[copy-image]'}})

    def restart(self, kind: str, mode: str, delayed: bool) -> None:
        self.api.stop()
        self.api.router = None if kind == 'stock' else api_base.ROUTER
        self.api.stores = of_type(STORES[mode], TYPES[kind])
        self.api.multi_store = mode != 'single'
        self.api.default_store = 'ceph' if mode != 'single' else 'rbd'
        self.api.options = {**self.api.options, 'DEFAULT': {
            **self.api.options['DEFAULT'], 'delayed_delete': delayed}}
        self.api.start()
        self.api.wait_ready()

    def put_without_store(self, name: str) -> str:
        """Return the id of an active image with such a location."""
        image_id = self.create()
        self.client.images.upload(image_id, io.BytesIO(CONTENT))
        self.remove(image_id)
        self.addCleanup(self.remove, image_id)
        services.mariadb().execute(
            "USE {0}; UPDATE image_locations SET value = '{1}', "
            "meta_data = '{{}}' WHERE image_id = '{2}'".format(
                self.api.database.name, self.write(name, image_id),
                image_id))
        return image_id

    def read(self, image_id: str) -> Any:
        """Return the digest of the data, or why Glance had none."""
        try:
            answer = requests.get(
                '%s/v2/images/%s/file' % (self.api.url, image_id),
                headers=glance_base.HEADERS, timeout=60)
        except requests.ConnectionError:
            # It hangs up where it has not foreseen an exception.
            answer = None
        if answer is not None and answer.status_code == 200:
            return hashlib.sha256(answer.content).hexdigest()
        reason, = re.findall('Get image %s data failed: (.*)' % image_id,
                             self.api.log_path.read_text())
        return reason.replace(image_id, 'IMAGE')

    def copy(self, image_id: str) -> Any:
        admin = self.api.client(glance_base.ADMIN_HEADERS)
        try:
            admin.images.image_import(
                image_id, 'copy-image', stores=['second'])
        except glanceclient.exc.HTTPException as exc:
            return exc.code
        self.wait_for(self._has_no_task)
        image = admin.images.get(image_id)
        return image.status, image.stores, image.os_glance_failed_import

    def delete(self, image_id: str) -> int | None:
        try:
            self.client.images.delete(image_id)
        except glanceclient.exc.HTTPException as exc:
            return exc.code
        return None

    def scrub(self) -> None:
        subprocess.run(
            [self.api.venv / 'bin' / 'glance-scrubber',
             '--config-file', self.api.conf], check=True,
            capture_output=True)

    def observe(
        self, kind: str, mode: str, delayed: bool
    ) -> dict[str, dict[str, Any]]:
        self.restart(kind, mode, delayed)
        images, seen = {}, {}
        for name in self.NAMES:
            image_id = images[name] = self.put_without_store(name)
            seen[name] = {'read': self.read(image_id)}
            if not delayed:
                seen[name]['copied'] = self.copy(image_id)
                seen[name]['there'] = self.left(image_id)
            seen[name]['deleted'] = self.delete(image_id)
        if delayed:
            self.scrub()
        for name in self.NAMES:
            seen[name]['left'] = self.left(images[name])
        return seen

    def compare(
        self, mode: str, delayed: bool, *kinds: str
    ) -> dict[str, dict[str, Any]]:
        expected = self.observe('stock', mode, delayed)
        for kind in kinds:
            seen = self.observe(kind, mode, delayed)
            for name in self.NAMES:
                if self.UPSTREAM_DEFECT in expected[name]['read']:
                    expected[name]['read'] = seen[name]['read']
            self.assertEqual(expected, seen, kind)
        self.assertEqual(hashlib.sha256(CONTENT).hexdigest(),
                         seen['foreign fsid']['read'])
        return seen

    def test_multi(self) -> None:
        seen = self.compare('multi', False, 'ours', 'ours by type')
        for name in ('old', 'old, in another store'):
            self.assertEqual(hashlib.sha256(CONTENT).hexdigest(),
                             seen[name]['read'])
            self.assertEqual(
                dict.fromkeys(services.POOLS, []), seen[name]['left'])
        self.assertIn('not found', seen['nowhere']['read'])

    def test_scrubber(self) -> None:
        # It asks for the store by the scheme, of which there is none where
        # several stores can be, and so leaves what names no store.
        seen = self.compare('multi', True, 'ours by type')
        self.assertEqual([], seen['its own']['left'][services.POOL])

    def test_scrubber_of_one_store(self) -> None:
        seen = self.compare('single', True, 'ours by type')
        self.assertEqual([], seen['foreign fsid']['left'][services.POOL])
