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

"""Finds the images whose failures may be known, deleted ones among them.

Glance keeps the row of a deleted image, and its own list shows it to whoever
asks for what was deleted; who may see what remains with it. memcached cannot
be searched, so that images are found in Glance's database first.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

from glance.api.v2 import images
from glance.api.v2 import policy as api_policy
from oslo_config import cfg

from glance_progress.answer import database
from glance_progress.api import transit
from glance_progress.records import options
from glance_progress import section

_IMAGE_ID = re.compile(images.get_base_properties()['id']['pattern'])

# Of Glance's filters, the one that also shows what was deleted since.
_SINCE = 'changes-since'
_EVER = datetime.datetime.fromtimestamp(0, datetime.timezone.utc)


class Failures(transit.Transit):
    """Lists images of the caller's project; those of all, for an admin."""

    def deleted(self, req: Any, image_id: str) -> database.Image | None:
        """Return a deleted image; None when it is not the caller's."""
        if not _IMAGE_ID.match(image_id):
            return None  # Glance takes more than an id for one
        found = self._own(req, None, 1, {'deleted': True, 'id': image_id})
        return next((
            transit.image_of(image) for image in found
            if api_policy.ImageAPIPolicy(
                req.context, image, self._policy).check('get_image')), None)

    def _found(
        self, req: Any, marker: str | None, limit: int
    ) -> list[Any]:
        ttl = section.of(cfg.CONF, options.OPTS).record_ttl
        now = datetime.datetime.now(datetime.timezone.utc)
        return [
            # What fails changes the image,
            *self._own(req, marker, limit, {
                _SINCE: now - datetime.timedelta(seconds=ttl)}),
            # unless it is refused before it begins.
            *self._own(req, marker, limit, {
                _SINCE: _EVER, 'deleted': False, 'status': 'queued'})]

    def _counts(self, image: database.Image) -> bool:
        return True  # what memcached holds decides

    def _own(
        self, req: Any, marker: str | None, limit: int,
        filters: dict[str, Any],
    ) -> list[Any]:
        """Return the caller's images that *filters* select."""
        if not req.context.is_admin:
            if req.context.owner is None:
                return []
            filters = {**filters, 'owner': req.context.owner}
        return self._list(req, marker, limit, filters)
