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

from typing import Any

from allinone.daemons import glance
from tests.functional import api_base
from tests.functional import base
from tests.functional import glance_base
from tests.functional import services
from tests.functional import test_glance

MiB = base.MiB

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


class DebianOneLineTest(api_base.ApiTestCase):
    """Under eventlet Glance makes its stores after the router."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-debian-line', kind=glance.DebianGlanceApi,
            venv=services.debian_venv(), workers=1,
            stores={'http': {'type': 'http'}, **STOCK}, multi_store=False,
            default_store='rbd')

    def test_progress_from_the_first_upload(self) -> None:
        image_id = self.create()
        upload = self.upload(image_id, 4 * MiB)
        upload.send(bytes(2 * MiB))
        self.assertEqual(50, self.wait_store(
            image_id, 'rbd', bytes_written=2 * MiB)['percent'])
        upload.send(bytes(2 * MiB))
        self.assertEqual(204, upload.end())
