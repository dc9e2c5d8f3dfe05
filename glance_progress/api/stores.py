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

"""Answers GET /v2/info/stores/detail, which fails in Glance for our type.

Glance knows the properties of its own drivers by the names of their types
(glance.api.v2.discovery), and answers 500 for all others. It is mended here,
where one line of the paste file brings it along with the rest, and in
patches/glance for those who change the source.
"""

from __future__ import annotations

from typing import Any

from glance.api.v2 import discovery
import glance_store
from oslo_config import cfg

from glance_progress.driver import store_type


class InfoController(discovery.InfoController):
    """Lists stores as Glance does, and those of our type."""

    def get_stores_detail(self, req: Any) -> dict[str, Any]:
        """Return what Glance does, also for stores of our type."""
        every = self.get_stores(req)['stores']
        of_our_type = [
            each for each in every
            if cfg.CONF.enabled_backends[each['id']] == store_type.OURS]
        stock = discovery.InfoController(self.policy)
        # It fills in the dictionaries of the others, or raises what the
        # policy says.
        stock.get_stores = lambda req: {
            'stores': [each for each in every if each not in of_our_type]}
        stock.get_stores_detail(req)
        for each in of_our_type:
            store = glance_store.get_store_from_store_identifier(each['id'])
            each['type'] = store_type.OURS
            each['properties'] = self._get_rbd_properties(store)
            options = cfg.CONF[each['id']]
            if 'weight' in options:  # since glance_store 4.8
                each['weight'] = options.weight
        return {'stores': every}
