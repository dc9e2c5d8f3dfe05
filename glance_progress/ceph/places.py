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

"""Where glance-api keeps images in Ceph, as its options say."""

from __future__ import annotations

import dataclasses
from typing import Any

from glance_progress.records import store_names

#: The types of stores that keep images in Ceph: the stock one and ours.
TYPES = frozenset(('rbd', 'rbd_progress'))


@dataclasses.dataclass(frozen=True)
class Place:
    """A pool for images, and who may see it.

    :param store: what records call the store
    :param user: None for the one that ceph.conf says
    :param ceph_conf: path; empty for librados to search for it
    """

    store: str
    pool: str
    user: str | None
    ceph_conf: str

    @property
    def cluster(self) -> tuple[str, str | None]:
        """What a connection is made from."""
        return self.ceph_conf, self.user


def of(conf: Any) -> list[Place]:
    """Return the pools of the stores that *conf* has, the default one first.

    :param conf: options, with those of glance_store
    """
    if not getattr(conf, 'enabled_backends', None):
        section = conf.glance_store
        if TYPES.isdisjoint(section.stores or ()):
            return []
        return [_place(store_names.UNNAMED, section)]
    default = conf.glance_store.default_backend
    stores = [store for store in store_names.backends(conf)
              if conf.enabled_backends[store] in TYPES]
    return [_place(store, conf[store])
            for store in sorted(stores, key=lambda each: each != default)]


def _place(store: str, section: Any) -> Place:
    return Place(store, section.rbd_store_pool, section.rbd_store_user,
                 section.rbd_store_ceph_conf)
