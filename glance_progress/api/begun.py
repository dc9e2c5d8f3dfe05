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

"""Sees Glance's rows say that data are on their way, as soon as they do.

Rows are Glance's locks: of many who would upload an image, one gets it from
``queued`` to ``saving``, or to ``uploading``, which is staging; and of many
who would import or copy it, one sets the property that names its task.
"""

from __future__ import annotations

from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

from glance_progress.driver import begun
from glance_progress.driver import takeover
from glance_progress import warning

_fault = warning.Hourly(logging.getLogger(__name__))


_LOCK = 'os_glance_import_task'


class Gateway:
    """Does what Glance's *gateway* does; its repositories tell."""

    def __init__(self, gateway: Any) -> None:
        self._gateway = gateway

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def get_repo(self, *args: Any, **kwargs: Any) -> Any:
        """Return Glance's repository of images, which tells."""
        return _Repository(self._gateway.get_repo(*args, **kwargs))


class _Repository:

    def __init__(self, repository: Any) -> None:
        self._repository = repository

    def __getattr__(self, name: str) -> Any:
        return getattr(self._repository, name)

    def set_property_atomic(
        self, image: Any, name: str, *args: Any, **kwargs: Any
    ) -> Any:
        result = self._repository.set_property_atomic(
            image, name, *args, **kwargs)
        if name == _LOCK:
            begun.tell(cfg.CONF, image.image_id)
        return result

    def save(self, image: Any, *args: Any, **kwargs: Any) -> Any:
        result = self._repository.save(image, *args, **kwargs)
        if kwargs.get('from_state') == 'queued':
            try:
                _begun(image)
            except Exception as exc:
                _fault.say('It is not told that an upload begins.', exc=exc)
        return result


def _begun(image: Any) -> None:
    begun.tell(cfg.CONF, image.image_id)
    if image.status == 'saving' and not list(image.locations) and (
            image.extra_properties.get('image_type') != 'snapshot'):
        takeover.permit(image.image_id)
