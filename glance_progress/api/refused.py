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

"""Says why Glance has refused data before any store was given them.

A refusal is told of an image that the caller may see and change, as Glance
judges it, and that waits for data: nobody can make somebody else's image look
failed, nor one whose data are coming, are there or are being imported.
"""

from __future__ import annotations

import time
from typing import Any

from glance.api.v2 import policy as api_policy
from glance.db.sqlalchemy import api as db_api
from oslo_config import cfg
from oslo_log import log as logging

from glance_progress.answer import database
from glance_progress.api import transit
from glance_progress.driver import upload
from glance_progress.records import reader
from glance_progress.records import store_names
from glance_progress.records import wire
from glance_progress import section
from glance_progress import warning

LOG = logging.getLogger(__name__)

# By the status of the answer. Not 409, since another upload is under way then.
_REASONS = {
    400: 'Glance refused the image data.',
    401: 'The token had expired.',
    403: 'The caller may not upload data of this image.',
    410: 'The store does not accept image data.',
    413: 'The image exceeds the quota.',
}
_NO_STORE = 'There is no store of the name that was asked for.'

_STORE_HEADER = 'x-image-meta-store'

_fault = warning.Hourly(LOG)


class Refused:
    """Tells of refusals.

    :param controller: one of Glance's, whose gateway and policy are used
    """

    def __init__(self, controller: Any) -> None:
        self._gateway = controller.gateway
        self._policy = controller.policy

    def tell(
        self, req: Any, image_id: str, exc: Exception, size: int | None,
        store: str,
    ) -> None:
        """Tell that *exc* was the answer to *req*, if that may be told.

        :param size: of the data in bytes; None when it is not known
        :param store: identifier of the store that they were for
        """
        try:
            code = getattr(exc, 'code', None)
            if code not in _REASONS:
                return
            image = self._image(req, image_id)
            # With 401 Glance leaves the image as it has found it.
            left_in = 'saving' if code == 401 else None
            if (image is not None and not image.importing
                    and image.status in ('queued', left_in)
                    and not _under_way(image.image_id)):
                upload.never_begun(
                    cfg.CONF, image.image_id, store, size, req.context,
                    _reason(req, code),
                    left_in if image.status == left_in else None)
        except Exception as fault:
            _fault.say('A refused upload is not told of.', exc=fault)

    def _image(self, req: Any, image_id: str) -> database.Image | None:
        """Return the image, if the caller may see and change it."""
        image = self._gateway.get_repo(req.context).get(image_id)
        if not api_policy.ImageAPIPolicy(
                req.context, image, self._policy).check('get_image'):
            return None
        if not db_api.is_image_mutable(req.context, {'owner': image.owner}):
            return None
        return transit.image_of(image)


def _under_way(image_id: str) -> bool:
    """Tell whether memcached knows of an upload that goes on."""
    conf = cfg.CONF
    found = reader.get(conf).read(
        [image_id], store_names.all_of(conf))
    return any(
        record.state == wire.UPLOADING and not record.stalled(
            time.time(), conf[section.NAME].stalled_after)
        for record in (found or {}).values())


def _reason(req: Any, code: int) -> str:
    if code == 400 and cfg.CONF.enabled_backends:
        asked = req.headers.get(_STORE_HEADER)
        if asked is not None and asked not in store_names.backends(cfg.CONF):
            return _NO_STORE
    return _REASONS[code]
