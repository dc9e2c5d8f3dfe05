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

"""The ``rbd_progress`` store: glance_store's RBD driver with progress.

Everything that it stores, and how, is the stock driver's. With our router,
:mod:`glance_progress.driver.register` has it serve stores of type ``rbd``.
Otherwise, in glance-api.conf::

    [DEFAULT]
    enabled_backends = ceph:rbd_progress

or, without several backends::

    [glance_store]
    stores = file,http,rbd_progress
    default_store = rbd
"""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import functools
from typing import Any

from glance_store._drivers import rbd
from oslo_log import log as logging

from glance_progress.ceph import address
from glance_progress.ceph import clusters
from glance_progress.ceph import places
from glance_progress.driver import fence
from glance_progress.driver import hashed
from glance_progress.driver import in_place
from glance_progress.driver import metered
from glance_progress.driver import options
from glance_progress.driver import pipeline
from glance_progress.driver import store_type
from glance_progress.driver import takeover
from glance_progress.driver import upload
from glance_progress.records import memcached
from glance_progress.records import options as record_options
from glance_progress.records import store_names
from glance_progress import section
from glance_progress import warning

# driver.Store.get_store_location_class() looks for it in the module of the
# driver's class.
StoreLocation = rbd.StoreLocation

_fault = warning.Hourly(logging.getLogger(__name__))


class Store(metered.Metered, rbd.Store):
    """The stock RBD driver with progress, and with its steps overlapped."""

    _writes_in_flight = 0  # until it is configured

    def get_schemes(self) -> tuple[str, ...]:
        # A location says rbd://, as the stock driver's do. The name of the
        # driver must be here as well: glance_store's multi_backend looks up
        # the type that enabled_backends gives among the schemes.
        return (store_type.STOCK, store_type.OURS)

    def configure_add(self) -> None:
        """Configure the store, and look at our own options too.

        :raises ValueError: see :meth:`configure_progress`. It stops the
            service at its start, which BadStoreConfiguration would not
            (driver.Store.configure() goes on without ``add``).
        """
        self.configure_progress()
        super().configure_add()

    def configure_progress(self) -> None:
        """Do that part of the configuration which asks no Ceph.

        :raises ValueError: for a wrong value in ``[glance_progress]``
        """
        record_options.check(self.conf)
        section.check(self.conf, options.OPTS)
        memcached.configure(self.conf)
        store_type.search_ours_too(self.conf)
        self._writes_in_flight = section.of(
            self.conf, options.OPTS).writes_in_flight

    @contextlib.contextmanager
    def get_connection(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Connect to Ceph as the stock driver does, by a unique address."""
        stock = super().get_connection(*args, **kwargs)
        with contextlib.ExitStack() as stack:
            yield address.unique(lambda: stack.enter_context(stock))

    def get(
        self, location: Any, offset: int = 0, chunk_size: int | None = None,
        context: Any = None,
    ) -> tuple[Any, int]:
        """Return an image's data and size, as the stock driver does."""
        data, size = super().get(
            location, offset=offset, chunk_size=chunk_size, context=context)
        return hashed.metered(
            self.conf, location.store_location.image, data, size,
            context), size

    def _add(
        self,
        attempt: upload.Upload,
        image_id: str,
        image_file: Any,
        *args: Any,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        with fence.around() as own:
            if self._overlaps():
                result: tuple[Any, ...] = pipeline.Pipeline(
                    self._writes_in_flight, attempt).add(
                        self, image_id, image_file, *args, **kwargs)
                return result
            result = super()._add(
                attempt, image_id, image_file, *args, **kwargs)
            self._check(own)
            return result

    def _overlaps(self) -> bool:
        return bool(self._writes_in_flight) and pipeline.possible()

    def _create_image(
        self, fsid: str, conn: Any, ioctx: Any, image_name: str, *args: Any,
        **kwargs: Any
    ) -> Any:
        if self._overlaps():
            in_place.prepare(conn)
        create = functools.partial(
            super()._create_image, fsid, conn, ioctx, image_name, *args,
            **kwargs)
        try:
            location = create()
        except rbd.rbd.ImageExists:
            if not takeover.clear(self._place(), image_name):
                raise
            location = create()
        own = fence.current()
        if own is not None:
            own.made(ioctx, image_name)
        return location

    def _delete_image(
        self, target_pool: str, image_name: str, *args: Any, **kwargs: Any
    ) -> None:
        own = fence.current()
        if own is not None:
            # An upload cleans up, and takes NotFound for done.
            self._check(own, target_pool)
        super()._delete_image(target_pool, image_name, *args, **kwargs)

    def _check(self, own: fence.Fence, pool: str | None = None) -> None:
        """See whether an upload's RBD image is there, by a short look.

        :raises fence.Displaced: it is not
        """
        with contextlib.closing(clusters.Clusters()) as looking:
            try:
                ioctx = looking.ioctx(self._place(pool))
            except Exception as exc:
                _fault.say('An upload cannot see its RBD image.', exc=exc)
                return
            own.check(ioctx)

    def _place(self, pool: str | None = None) -> places.Place:
        return places.Place(
            self.backend_group or store_names.UNNAMED, pool or self.pool,
            self.user, self.conf_file)
