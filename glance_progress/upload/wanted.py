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

"""What the user wants of all images of a run."""

from __future__ import annotations

from collections.abc import Iterable
import dataclasses

from glance_progress.upload import item
from glance_progress.upload import sources


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What holds for each image, and before what a list says of it.

    :ivar owner: id of the project that is to have them; None for the caller's
    :ivar use_import: whether the cloud is to import what is staged, and to
        fetch what is at a URL
    :ivar update_existing: whether images with other data may be renamed
    """

    owner: str | None = None
    use_import: bool = False
    all_stores: bool = False
    update_existing: bool = False
    stores: tuple[str, ...] = ()
    visibility: str | None = None
    protected: bool = False
    properties: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()

    def apply(self, items: Iterable[item.Item]) -> None:
        """Have each item be as the user wants it."""
        for each in items:
            each.visibility = self.visibility or each.visibility
            each.protected = self.protected or each.protected
            each.stores = self.stores or each.stores
            each.properties = {**each.properties, **dict(self.properties)}
            each.tags = tuple(dict.fromkeys([*each.tags, *self.tags]))
            if len(each.stores) > 1 and not self.use_import:
                each.wrong = each.wrong or (
                    'several stores can be given with --import alone')

    def fetched_by_cloud(self, wanted: item.Item) -> bool:
        """Tell whether the cloud itself is to fetch the data of an image."""
        return self.use_import and isinstance(wanted.source, sources.Url)
