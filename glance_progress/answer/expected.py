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

"""How much data is expected where nobody has said how much will come.

Nova sends a snapshot without its size, unless it is patched. What it gives to
the image is min_disk: the size of the flavor's root disk, in GiB, or of the
base image's min_disk where that is more. A raw snapshot is the whole disk.
After a resize it may be larger, and with a flavor without root disk it may be
anything, so that this is no total, and no percentage follows from it.
"""

from __future__ import annotations

from glance_progress.answer import database
from glance_progress.answer import phases
from glance_progress.answer import reconcile
from glance_progress.records import wire

_GiB = 2 ** 30


def size(image: database.Image, phase: str) -> int | None:
    """Return how many bytes are expected to come of *image* in *phase*.

    None where nothing is to be expected: other formats have no room for what
    is empty, and their size says nothing of the disk's. Nova says the format
    just before it uploads.
    """
    if (phase != phases.UPLOAD or not image.of_server
            or image.disk_format != 'raw' or image.min_disk <= 0):
        return None
    return image.min_disk * _GiB


def of_store(store: reconcile.Store, expecting: int | None) -> int | None:
    """Return how many bytes *store* is expected to take.

    None where it is known how many, or more have come by now.

    :param expecting: what size() returns
    """
    if (expecting is None or store.total_bytes is not None
            or store.state != wire.UPLOADING
            or store.bytes_written > expecting):
        return None
    return expecting
