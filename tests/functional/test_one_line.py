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
"""The router is all that it takes: stores stay of type ``rbd``."""

from __future__ import annotations

import pathlib
import subprocess
from typing import Any

import rbd

from allinone.daemons import glance
from allinone import service
from tests.functional import api_base
from tests.functional import base
from tests.functional import glance_base
from tests.functional import services
from tests.functional import test_glance

MiB = base.MiB

#: What queues an image for the cache, without the API, where glance-api would
#: fetch it by itself.
QUEUE = '''
import sys
image_id = sys.argv.pop()
from glance.cmd import cache_prefetcher
from glance.common import config
from glance import image_cache
config.parse_cache_args()
image_cache.ImageCache().queue_image(image_id)
'''

STOCK = {'ceph': {'type': 'rbd', 'pool': services.POOL, **glance_base.CHUNK}}


class OneLineTest(test_glance.SwitchTest):
    """From Glance's router to ours and back, with several stores and one."""

    STOCK: dict[str, Any] = STOCK

    def restart(self, router: str | None, multi_store: bool) -> None:
        self.api.router = router
        self.restart_with(
            self.STOCK if multi_store
            else {'http': {'type': 'http'}, **self.STOCK}, multi_store)

    def shows_progress(self) -> bool:
        """Upload an image, and tell whether that could be followed."""
        content = base.data(2 * MiB)
        image_id = self.put(content)
        self.check(image_id, content)
        return bool(self.show(image_id)[1])

    def test_images_outlive_each_switch(self) -> None:
        content = base.data(MiB + 1)
        old: dict[str, str] = {}
        for router, multi_store in (
                (None, True), (api_base.ROUTER, True),
                (api_base.ROUTER, False), (None, False)):
            self.restart(router, multi_store)
            self.assertEqual(router is not None, self.shows_progress())
            for image_id, location in old.items():
                self.assertEqual(location, self.check(image_id, content))
            image_id = self.put(content)
            old[image_id] = self.check(image_id, content)
        for image_id in old:
            self.client.images.delete(image_id)
        self.assertEqual([], self._left(old))


class StockStoresTest(api_base.ApiTestCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-stock-stores', section={'stock_stores': 'second'})

    def test_named_ones_stay(self) -> None:
        for store, shown in (('ceph', True), ('second', False),
                             ('third', True)):
            image_id = self.put(**{'x-image-meta-store': store})
            self.assertEqual(shown, bool(self.show(image_id)[1]), store)

    def test_types(self) -> None:
        detail = self.get('/v2/info/stores/detail', api_base.ADMIN).json()
        self.assertEqual(
            {'ceph': 'rbd', 'second': 'rbd', 'third': 'rbd_progress'},
            {store['id']: store['type'] for store in detail['stores']
             if store['type'].startswith('rbd')})


class ReleaseTests:
    """A release's glance-api with one store and with several, and its tools.

    These do not read the paste file, and go on with Glance's own driver.
    """

    SINGLE: dict[str, Any] = {'http': {'type': 'http'}, **STOCK}
    SEVERAL: dict[str, Any] = {
        **STOCK,
        'second': {'type': 'rbd', 'pool': services.SECOND_POOL,
                   **glance_base.CHUNK}}

    #: Whether the prefetcher works. That of 25.1 and that of 33.0.0 fail at
    #: once, whatever the stores are; there, glance-api does the same.
    PREFETCHER = True

    @classmethod
    def make(cls, name: str, **kwargs: Any) -> glance.GlanceBase:
        return api_base.make(
            'glance-line-' + name, stores=cls.SINGLE, multi_store=False,
            default_store='rbd', options={'DEFAULT': {
                'delayed_delete': True,
                'image_cache_dir': services.directory() / ('cache-' + name)}},
            **kwargs)

    def follow(self, store: str, **headers: str) -> str:
        """Upload an image, see the half of it, and return its id."""
        image_id = self.create()
        upload = self.upload(image_id, 2 * MiB, **headers)
        upload.send(bytes(MiB))
        self.assertEqual(50, self.wait_store(
            image_id, store, bytes_written=MiB)['percent'])
        upload.send(bytes(MiB))
        self.assertEqual(204, upload.end())
        return image_id

    def tool(self, name: str, *args: str) -> str:
        script = getattr(self.api, 'script', self.api.venv / 'bin' / name)
        done = subprocess.run(
            [self.api.venv / 'bin' / 'python3', script.with_name(name),
             '--config-file', self.api.conf, *args],
            capture_output=True, text=True)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def fetch_into_cache(self, image_id: str) -> None:
        if not self.PREFETCHER:
            answer = self.request(
                'PUT', '/v2/cache/' + image_id, api_base.ADMIN)
            self.assertEqual(202, answer.status_code, answer.text)
            return
        self.api.python(QUEUE, '--config-file', str(self.api.conf), image_id)
        self.tool('glance-cache-prefetcher')

    def check_tools(self, image_id: str, pool: str) -> None:
        self.fetch_into_cache(image_id)
        cache = pathlib.Path(self.api.options['DEFAULT']['image_cache_dir'])
        self.wait_for((cache / image_id).exists)
        self.assertEqual(bytes(2 * MiB), (cache / image_id).read_bytes())

        self.client.images.delete(image_id)
        self.assertIn(image_id, rbd.RBD().list(self.ioctx(pool)))
        self.tool('glance-scrubber')
        self.assertNotIn(image_id, rbd.RBD().list(self.ioctx(pool)))

        self.assertTrue(self.tool('glance-manage', 'db', 'version'))

    def restart(self, multi_store: bool) -> None:
        if self.api.multi_store == multi_store:
            return
        self.api.stop()
        # A worker process of eventlet's may be just ending.
        self.wait_for(lambda: service.port_is_free(self.api.port))
        self.api.multi_store = multi_store
        self.api.stores = self.SEVERAL if multi_store else self.SINGLE
        self.api.default_store = None if multi_store else 'rbd'
        self.api.start()
        self.api.wait_ready()

    def test_one_store(self) -> None:
        self.restart(multi_store=False)
        self.check_tools(self.follow('rbd'), services.POOL)

    def test_several_stores(self) -> None:
        self.restart(multi_store=True)
        self.follow('ceph')
        self.check_tools(
            self.follow('second', **{'x-image-meta-store': 'second'}),
            services.SECOND_POOL)


class ZedTest(ReleaseTests, api_base.ApiTestCase):
    """Debian's, under eventlet, which makes its stores after the router."""

    PREFETCHER = False

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return cls.make(
            'zed', kind=glance.DebianGlanceApi, venv=services.debian_venv(),
            workers=1)


class Glance2024Test(ReleaseTests, api_base.ApiTestCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return cls.make(
            '2024', kind=glance.EventletGlanceApi, workers=1,
            venv=services.released_venv('2024.1'))


class Glance2025Test(ReleaseTests, api_base.ApiTestCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return cls.make(
            '2025', kind=glance.EventletGlanceApi, workers=1,
            venv=services.released_venv('2025.2'))


class Glance2026Test(ReleaseTests, api_base.ApiTestCase):

    PREFETCHER = False

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return cls.make('2026')


class ByTypeTest(Glance2026Test):
    """The other way, by our type, which the tools have to know."""

    SINGLE = {name: {**store, 'type': store['type'].replace(
        'rbd', 'rbd_progress')}
        for name, store in ReleaseTests.SINGLE.items()}
    SEVERAL = {name: {**store, 'type': 'rbd_progress'}
               for name, store in ReleaseTests.SEVERAL.items()}

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return cls.make('type')
