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

"""The API extension with a glance-api that has one store, not several."""

from __future__ import annotations

from allinone.daemons import glance
from glance_progress.records import wire
from tests.functional import api_base
from tests.functional import glance_base


class OneStoreTest(api_base.ApiTestCase):
    """Without enabled_backends."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-one-store', multi_store=False, default_store='rbd',
            stores={'http': {'type': 'http'},
                    'ceph': glance_base.STORES['ceph']})

    def test_upload(self) -> None:
        image_id = self.put(**{'x-openstack-base-image-ref': 'nonsense'})
        answer = self.wait_store(image_id, 'rbd', state='finished')
        self.assertEqual({'rbd': 'finished'}, api_base.states(answer))
        self.memcached().delete(wire.key(image_id, 'rbd'), noreply=False)
        answer = self.progress(image_id)
        self.assertEqual('database', answer['source'])
        self.assertEqual({'rbd': 'finished'}, api_base.states(answer))

    def test_import(self) -> None:
        image_id = self.stage()
        self.assertEqual('staged', self.progress(image_id)['phase'])
        self.client.images.image_import(image_id, 'glance-direct')
        answer = self.wait_progress(image_id, phase='done')
        self.assertEqual({'rbd': 'finished'}, api_base.states(answer))

    def test_no_stores(self) -> None:
        answer = self.get('/v2/info/stores/detail', api_base.ADMIN)
        self.assertEqual(404, answer.status_code)
