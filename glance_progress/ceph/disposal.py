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

"""Puts RBD images into the trash, with a note that tells the way back."""

from __future__ import annotations

from collections.abc import Callable
import logging
import time
from typing import Any

from glance_progress.ceph import holdings
from glance_progress.ceph import journal
from glance_progress.ceph import trash

LOG = logging.getLogger(__name__)

_DAY = 24 * 3600


def note(ioctx: Any, data: holdings.Data, kind: str, why: str,
         status: str | None) -> None:
    """Note that *data* are about to be moved.

    :param kind: of what they are found to be
    :param why: what proves that nobody needs them
    :param status: of the image; None where there is none
    """
    journal.write(ioctx, data.rbd_id, {
        'name': data.name, 'kind': kind, 'why': why, 'at': time.time(),
        'status': status})


def move(
    ioctx: Any, data: holdings.Data, delay: int,
    allowed: Callable[[], bool] = lambda: True,
) -> None:
    """Move *data* to the trash, and log how they come back.

    The arguments, and what it raises, are those of trash.move().
    """
    trash.move(ioctx, data, delay, allowed)
    LOG.warning(
        'Moved RBD image %s/%s, %d bytes, to the trash of its pool, for '
        '%.1f days. Undo: glance-progress leftovers --restore %s (or rbd '
        'trash restore %s/%s)', data.place.pool, data.name, data.size,
        delay / _DAY, data.rbd_id, data.place.pool, data.rbd_id)
