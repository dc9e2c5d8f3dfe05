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

"""Has glance_store search our stores for data whose location names none.

Locations from before enabled_backends, or with the fsid or pool of another
cluster, name no store. For them glance_store goes through the stores, and
takes those whose *type* a location begins with (multi_backend.get() and
delete()). No location begins with our type, since they are the stock
driver's, so it passes by what it would find under the type ``rbd``: an image
could not be read, and its data stayed for ever when it was deleted. It has no
place to say otherwise but what it reads the types from.
"""

from __future__ import annotations

from typing import Any

from glance_store import multi_backend

STOCK = 'rbd'
OURS = 'rbd_progress'


class _Options:
    """The process's options, with the stock type in the place of ours.

    Our driver answers for the scheme that is the stock type, so glance_store
    comes to it by either name.
    """

    def __init__(self, conf: Any) -> None:
        self._conf = conf

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conf, name)

    def __getitem__(self, name: str) -> Any:
        return self._conf[name]

    @property
    def enabled_backends(self) -> dict[str, str] | None:
        types = self._conf.enabled_backends
        return types and {store: STOCK if kind == OURS else kind
                          for store, kind in types.items()}


def search_ours_too(conf: Any) -> None:
    """Have all stores of type ``rbd_progress`` searched as ``rbd`` ones.

    :param conf: the options of a store; nothing happens if they are not those
        that glance_store itself reads, if they name no such store, or if it
        was done before
    """
    if multi_backend.CONF is conf and OURS in (
            conf.enabled_backends or {}).values():
        multi_backend.CONF = _Options(conf)
