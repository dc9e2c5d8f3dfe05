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

"""Progress of the staging area, where Glance keeps data to be imported.

Its store is one of glance_store's own, made by Glance itself under a reserved
name; no option says of which type it is. So the store that Glance has made is
replaced in glance_store's register, by one that does the same and tells how
far it is.
"""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import contextvars
import dataclasses
from typing import Any

from glance_store._drivers import filesystem
from glance_store import location
from glance_store import multi_backend
from oslo_config import cfg

from glance_progress.driver import metered
from glance_progress.records import wire

# driver.Store.get_store_location_class() looks for it here.
StoreLocation = filesystem.StoreLocation


@dataclasses.dataclass
class Source:
    """Where the data come from that this thread is about to stage.

    :param total: bytes that it has, 0 while that is not known
    :param context: of the request that has begun the import
    :param begun: whether the staging area has begun to take them
    """

    total: int
    context: Any
    begun: bool = False


_source: contextvars.ContextVar[Source | None] = contextvars.ContextVar(
    'source', default=None)


@contextlib.contextmanager
def from_source(total: int, context: Any) -> Iterator[Source]:
    """Say of what is staged in the block, by this thread, how much it is.

    Glance does not tell the staging area, where it knows it from elsewhere;
    and never for whom it is.

    :param total: in bytes, 0 when it is not known
    :param context: of the request that has begun the import
    """
    source = Source(total, context)
    token = _source.set(source)
    try:
        yield source
    finally:
        _source.reset(token)


class Store(metered.Metered, filesystem.Store):
    """The file store, whose ``add()`` tells how far it is."""

    def _context(self) -> Any:
        source = _source.get()
        return None if source is None else source.context

    def _announced(self, image_size: int) -> int:
        source = _source.get()
        if source is None:
            return image_size
        source.begun = True
        return image_size or source.total


def replace(conf: cfg.ConfigOpts) -> None:
    """Have the staging area tell its progress, from the next upload on.

    Without ``enabled_backends`` there is no such store, and staging goes on
    without progress.
    """
    if not conf.enabled_backends:
        return
    multi_backend.get_store_from_store_identifier(wire.STAGING_STORE)
    staging = Store(conf, backend=wire.STAGING_STORE)
    staging.configure(re_raise_bsc=True)
    location.register_scheme_backend_map({
        scheme: {wire.STAGING_STORE: {
            'store': staging, 'location_class': StoreLocation,
            'store_entry': 'file'}}
        for scheme in staging.get_schemes()})
