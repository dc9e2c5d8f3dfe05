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
"""The call of Glance that it answers for its own types of stores only."""

from __future__ import annotations

from tempest import config
from tempest.lib import decorators

from glance_progress_tempest_plugin.tests import base

CONF = config.CONF


class StoresDetailTest(base.BaseProgressTest):

    credentials = ['primary', 'admin']

    @classmethod
    def skip_checks(cls) -> None:
        super().skip_checks()
        if not CONF.glance_progress.stores:
            raise cls.skipException(
                'Only glance-api with several stores has details of them: '
                '[glance_progress] stores is empty')

    @decorators.idempotent_id('69a65c6c-7764-4db2-97aa-c007d445f52b')
    def test_stores_detail(self) -> None:
        client = self.os_admin.glance_progress.ProgressClient()
        stores = {store['id']: store
                  for store in client.list_stores_detail()['stores']}
        for name in CONF.glance_progress.stores:
            self.assertIn(name, stores)
            self.assertIn(stores[name]['type'], ('rbd', 'rbd_progress'))
            self.assertTrue(stores[name]['properties']['pool'])
        # The details are those of the stores that users may choose from.
        names = {store['id'] for store
                 in self.images_client.info_stores()['stores']}
        self.assertEqual(names, stores.keys())
