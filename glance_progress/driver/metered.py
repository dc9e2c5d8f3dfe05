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

"""Makes a driver of glance_store tell how far its uploads are."""

from __future__ import annotations

from typing import Any

from glance_progress.driver import upload
from glance_progress.records import store_names


class Metered:
    """Mixin for a driver of glance_store: its ``add()`` tells how far it is.

    The driver must ask for a chunk only when it has written the one before,
    or see to it in ``_add()`` that what is told is true.
    """

    conf: Any
    backend_group: str | None

    def add(
        self,
        image_id: str,
        image_file: Any,
        image_size: int,
        *args: Any,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Store an image; arguments, result and exceptions are the stock's."""
        context = kwargs.get('context', args[1] if len(args) > 1 else None)
        if context is None:
            context = self._context()
        attempt = upload.Upload(
            self.conf, image_id, self.backend_group or store_names.UNNAMED,
            self._announced(image_size), context)
        try:
            result = self._add(
                attempt, image_id, image_file, image_size, *args, **kwargs)
        except BaseException as exc:
            attempt.failed(exc)
            raise
        attempt.finished(result[1])
        return result

    def _context(self) -> Any:
        """Return that of the request, where Glance does not pass it on."""
        return None

    def _announced(self, image_size: int) -> int:
        """Return how much is to come, as far as it is known; else 0."""
        return image_size

    def _add(
        self,
        attempt: upload.Upload,
        image_id: str,
        image_file: Any,
        *args: Any,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        result: tuple[Any, ...] = super().add(  # type: ignore[misc]
            image_id, attempt.metered(image_file), *args, **kwargs)
        return result
