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

"""Which stores do not keep what is nothing but zeros.

Glance tells that to administrators alone.
"""

from __future__ import annotations

from typing import Any

from glance_progress.upload import item
from glance_progress.upload import tasks
from glance_progress.upload import zeros


class Stores:
    """What is known of the stores.

    :param details: what Glance tells of them; None for nothing
    """

    def __init__(self, details: list[dict[str, Any]] | None) -> None:
        self._details = details

    def _of(self, wanted: item.Item) -> dict[str, Any]:
        for store in self._details or ():
            if (wanted.stores == (store['id'],)
                    or not wanted.stores and store.get('default')):
                return dict(store.get('properties') or {})
        return {}

    def chunk_size(self, wanted: item.Item) -> int:
        """Return the bytes that the store of an image writes at once."""
        return int(self._of(wanted).get('chunk_size') or zeros.CHUNK_SIZE)

    def saved(self, task: tasks.Task) -> int | None:
        """Return the bytes of an image that its store did not have to keep.

        None when that is not known.
        """
        thin = self._of(task.item).get('thin_provisioning')
        if thin is None or task.body is None:
            return None
        return task.body.zeros.bytes if str(thin).lower() == 'true' else 0
