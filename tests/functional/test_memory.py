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

"""Nothing of a request is there when it has ended, before any collection."""

from __future__ import annotations

from collections.abc import Callable
import io

import glanceclient.exc

from allinone.daemons import glance
from tests.functional import api_base
from tests.functional import base
from tests.functional import glance_base
from tests.functional import services
from tests.functional import test_api_import

CONTENT = base.data(2 * base.MiB + 1)

#: Of each way in. The last one may be held by a variable of a thread.
TIMES = 3


class MemoryTestCase(api_base.ApiTestCase):

    ROUTER = 'API'
    STORES = api_base.STORES

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return glance_base.make(
            'glance-' + cls.__name__, stores=cls.STORES,
            router='tests.functional.alive:%s.factory' % cls.ROUTER,
            uwsgi_args=['--pythonpath', str(services.PROJECT)],
            options={'DEFAULT': {
                'enabled_import_methods':
                    '[glance-direct,web-download,copy-image]'},
                **cls.filtering()})

    def alive(self, query: str = '') -> dict[str, int]:
        """Return how much there is of each kind, of which there has been."""
        # The thread that has handled a request keeps its context until it
        # handles another one (oslo_context).
        for _ in range(20):
            self.get('/v2/images?limit=1')
        found = self.get('/v2/alive' + query).json()
        return {kind: there for kind, (there, made) in found.items()}

    def repeat(self, way: Callable[[], object]) -> None:
        for _ in range(TIMES):
            way()
            self.wait_for(self._has_no_task)

    def put_too_much(self) -> None:
        self.assertRaises(
            glanceclient.exc.HTTPBadRequest, self.client.images.upload,
            self.create(), io.BytesIO(CONTENT), image_size=5)

    def abandon(self) -> None:
        image_id = self.create()
        upload = self.upload(image_id, len(CONTENT) + 1)
        upload.send(CONTENT)
        upload.abandon()
        self.wait_for(
            lambda: self.client.images.get(image_id).status == 'queued')

    def import_staged(self) -> None:
        self.client.images.image_import(
            self.stage(content=CONTENT), 'glance-direct',
            stores=['ceph', 'second'])

    def import_that_fails(self) -> None:
        image_id = self.stage(content=CONTENT)
        conf = self.conf(store={'rbd_store_pool': services.SECOND_POOL})
        self.store(conf).add(image_id, io.BytesIO(b'x'), 1, 'md5')
        self.client.images.image_import(
            image_id, 'glance-direct', stores=['ceph', 'second'],
            allow_failure=False)

    def copy(self) -> None:
        self.api.client(api_base.ADMIN).images.image_import(
            self.put(CONTENT), 'copy-image', stores=['second', 'third'])

    def download(self) -> None:
        with test_api_import.Download(
                self.download_port, CONTENT) as download:
            download.go_on.set()
            self.client.images.image_import(
                self.create(), 'web-download', uri=download.url,
                stores=['second'])
            self.wait_for(self._has_no_task)


class MemoryTest(MemoryTestCase):

    #: What these tests are about.
    KINDS = {'context', 'data', 'action', 'upload', 'meter', 'pipeline',
             'writes', 'hasher'}

    def test_ways_in(self) -> None:
        for way in (lambda: self.put(CONTENT), self.import_staged, self.copy,
                    self.download):
            self.repeat(way)
            alive = self.alive()
            # Glance keeps it, see below.
            alive.pop('context')
            self.assertEqual(dict.fromkeys(alive, 0), alive, way)
        self.assertEqual(self.KINDS - {'context'}, set(alive))
        self.assertEqual(dict.fromkeys(self.KINDS, 0),
                         self.alive('?collect'))

    def test_failures(self) -> None:
        for way in self.put_too_much, self.abandon, self.import_that_fails:
            self.repeat(way)
        self.assertEqual(dict.fromkeys(self.KINDS, 0),
                         self.alive('?collect'))


class StockTest(MemoryTestCase):
    """What Glance alone keeps until the garbage is collected.

    A test that fails here says that it has been mended, and that MemoryTest
    can ask for more.
    """

    ROUTER = 'StockAPI'
    STORES = {name: {**options,
                     'type': options['type'].replace('rbd_progress', 'rbd')}
              for name, options in api_base.STORES.items()}

    def test_contexts(self) -> None:
        self.repeat(lambda: self.put(CONTENT))
        self.assertEqual({'context': TIMES, 'data': 0}, self.alive())
        self.assertEqual({'context': 0, 'data': 0}, self.alive('?collect'))

    def test_data_that_were_refused(self) -> None:
        self.repeat(self.put_too_much)
        self.assertEqual(
            TIMES, self.alive()['data'])
        self.assertEqual(0, self.alive('?collect')['data'])
