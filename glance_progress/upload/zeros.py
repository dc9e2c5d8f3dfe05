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

"""How much of an image a store with thin provisioning need not keep.

Glance's driver for Ceph takes an image in chunks, and with
``rbd_thin_provisioning`` writes none that is nothing but zeros. Whoever sends
the same bytes can count the same chunks. A hole in a file reads as zeros.
"""

from __future__ import annotations

#: Bytes of a chunk, by Glance's default of rbd_store_chunk_size.
CHUNK_SIZE = 8 * 1024 * 1024

_ZEROS = bytes(1024 * 1024)


class Counter:
    """Counts the bytes in chunks of the store's that are zeros alone.

    :param chunk_size: bytes of a chunk
    :ivar bytes: how many, as far as the chunks are complete
    """

    def __init__(self, chunk_size: int = CHUNK_SIZE) -> None:
        self._chunk_size = chunk_size
        self._filled = 0  # of the chunk that is begun
        self._zero = True  # whether that is nothing but zeros so far
        self.bytes = 0

    def add(self, data: bytes) -> None:
        """Count what comes next."""
        at = 0
        while at < len(data):
            end = min(len(data), at + self._chunk_size - self._filled)
            part = data if end - at == len(data) else data[at:end]
            self._zero = self._zero and _is_zero(part)
            self._filled += end - at
            at = end
            if self._filled == self._chunk_size:
                self.end()

    def end(self) -> None:
        """Count the last chunk, which may be a short one."""
        if self._zero:
            self.bytes += self._filled
        self._filled, self._zero = 0, True


def _is_zero(data: bytes) -> bool:
    return all(
        _ZEROS.startswith(data[at:at + len(_ZEROS)])
        for at in range(0, len(data), len(_ZEROS)))
