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

"""Stands around what brings data in: upload, staging and import."""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import re
from typing import Any

from glance.api.v2 import image_data
from glance.api.v2 import images
from glance.api.v2 import policy as api_policy
from glance.common import exception
from keystoneauth1 import exceptions
from oslo_config import cfg
from oslo_log import log as logging
import webob.exc

from glance_progress.api import begun
from glance_progress.api import conflict
from glance_progress.api import refused
from glance_progress.driver import arrivals
from glance_progress.driver import hashed
from glance_progress.driver import takeover
from glance_progress.driver import upload
from glance_progress.imports import flow
from glance_progress.imports import reasons
from glance_progress.imports import told
from glance_progress.records import store_names
from glance_progress.records import wire
from glance_progress import section

LOG = logging.getLogger(__name__)

STORE_HEADER = 'x-image-meta-store'
BASE_HEADER = 'x-openstack-base-image-ref'

_IMAGE_ID = re.compile(images.get_base_properties()['id']['pattern'])

# What a tenant is told when Glance refuses data that the store has taken, by
# the status of the answer.
_REFUSALS = {
    400: 'The signature of the image data is wrong.',
    401: 'The token expired during the upload.',
    410: 'The image was deleted during its upload.',
    413: 'The image exceeds the quota.',
    415: 'The image data is not of the announced format, or failed a safety '
         'check.',
}
_REFUSAL = 'Glance refused the image data after the store had taken it.'

# Raised when the worker that has staged the data could not be reached: what
# Glance means to raise, and what gets past it, since it asks by keystoneauth
# and foresees errors of requests (33).
_ELSEWHERE = (webob.exc.HTTPBadGateway, webob.exc.HTTPGatewayTimeout,
              exceptions.ConnectionError)


class ImageDataController(image_data.ImageDataController):
    """Uploads and stages as Glance does, and says why Glance refuses data."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._refused = refused.Refused(self)
        self.gateway: Any = begun.Gateway(self.gateway)

    def upload(
        self, req: Any, image_id: str, data: Any, size: int | None
    ) -> Any:
        if cfg.CONF.enabled_backends and cfg.CONF[
                section.NAME].honor_base_image_ref:
            self._choose_store(req)
        with self._seen(data) as (body, uploads):
            try:
                return super().upload(req, image_id, body, size)
            except Exception as exc:
                # The store may have finished by then, and said so.
                reason = _REFUSALS.get(getattr(exc, 'code', 500), _REFUSAL)
                left_in = self._left_in(req, image_id) if uploads else None
                for each in uploads:
                    each.refused(reason, left_in)
                if not uploads:
                    self._refused.tell(
                        req, image_id, exc, size, self._store_of(req))
                    if getattr(exc, 'code', None) == 409:
                        conflict.explain(self._image(req, image_id), exc)
                raise

    @contextlib.contextmanager
    def _seen(
        self, data: Any
    ) -> Iterator[tuple[Any, list[Any]]]:
        """Have the block's uploads see *data* come.

        It is given what to read in their place, and the uploads.
        """
        with upload.of_request() as uploads, takeover.request():
            body = arrivals.Body(data, uploads)
            try:
                yield body, uploads
            finally:
                body.forget()  # Glance's objects hold it for longer

    def _store_of(self, req: Any) -> str:
        """Return the store that data are for; the default one if none is."""
        backends = store_names.backends(cfg.CONF)
        if not backends:
            return store_names.UNNAMED
        asked = req.headers.get(STORE_HEADER)
        return str(asked if asked in backends
                   else cfg.CONF.glance_store.default_backend)

    def _left_in(self, req: Any, image_id: str) -> str | None:
        """Return the status in which a refused upload has left its image.

        Glance means to return it to queued, but is not able to when an image
        of unknown size has exceeded the quota: it stays saving, and no other
        upload can begin.
        """
        image = self._image(req, image_id)
        return 'saving' if image and image.status == 'saving' else None

    def _image(self, req: Any, image_id: str) -> Any:
        """Return an image as the caller sees it; None for none."""
        try:
            return self.gateway.get_repo(req.context).get(image_id)
        except Exception:
            return None  # deleted, as a rule

    def stage(
        self, req: Any, image_id: str, data: Any, size: int | None
    ) -> Any:
        with self._seen(data) as (body, uploads):
            try:
                return super().stage(req, image_id, body, size)
            except Exception as exc:
                if not uploads:
                    self._refused.tell(
                        req, image_id, exc, size, wire.STAGING_STORE)
                raise

    def _choose_store(self, req: Any) -> None:
        """Send data that name a base image, and no store, where that is."""
        base_id = req.headers.get(BASE_HEADER)
        if base_id is None or STORE_HEADER in req.headers:
            return
        if not _IMAGE_ID.match(base_id):
            # As Glance does, which does not know the header.
            LOG.info('The header %s does not hold the id of an image, and is '
                     'ignored: %.40r', BASE_HEADER, base_id)
            return
        writable = {
            store for store in store_names.backends(cfg.CONF)
            if cfg.CONF.enabled_backends[store] != 'http'}
        holding = [store for store in self._stores_of(req, base_id)
                   if store in writable]
        if holding and cfg.CONF.glance_store.default_backend not in holding:
            req.headers[STORE_HEADER] = holding[0]

    def _stores_of(self, req: Any, image_id: str) -> list[str]:
        """Return the stores of an image, if the caller may see it."""
        try:
            image = self.gateway.get_repo(req.context).get(image_id)
            api_policy.ImageAPIPolicy(
                req.context, image, self.policy).get_image()
        except (exception.NotFound, exception.Forbidden,
                webob.exc.HTTPNotFound, webob.exc.HTTPForbidden):
            return []
        return [location['metadata'].get('store')
                for location in image.locations]


class ImportController(images.ImagesController):
    """Imports as Glance does, and tells what its steps do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gateway: Any = flow.Gateway(begun.Gateway(self.gateway))

    def import_image(self, req: Any, image_id: str, body: Any) -> Any:
        try:
            return super().import_image(req, image_id, body)
        except _ELSEWHERE:
            # It was to be begun by the worker that has staged the data.
            told.Import(cfg.CONF, image_id, req.context).failed(
                reasons.STAGED_ELSEWHERE)
            raise

    def add_location(self, req: Any, image_id: str, body: Any) -> Any:
        """Add a location, whose data Glance then reads back to hash them."""
        hashed.expect(req.context)
        return super().add_location(req, image_id, body)
