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

"""Tells how much of an image Glance has read back, to hash it.

Since 2024.2 (29) Glance hashes what it was given the location of, when the
image is active already. It reads the image through the store, as anybody who
downloads it does. The two differ in the context alone, which is that of the
request that has brought the location.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any
import weakref

from oslo_config import cfg

from glance_progress.driver import upload
from glance_progress.records import wire

_contexts: weakref.WeakSet[Any] = weakref.WeakSet()


def expect(context: Any) -> None:
    """Take what is read with *context* for what Glance hashes."""
    _contexts.add(context)


def metered(
    conf: cfg.ConfigOpts, image_id: str, data: Iterable[bytes], size: int,
    context: Any,
) -> Iterable[bytes]:
    """Return *data*, which tell how far they are read if it is to hash them.

    :param conf: the process's options
    :param size: of the data in bytes
    :param context: that they are read with
    """
    if context is None or context not in _contexts:
        return data
    return _Metered(conf, image_id, data, size, context)


class _Metered:

    def __init__(
        self, conf: cfg.ConfigOpts, image_id: str, data: Iterable[bytes],
        size: int, context: Any,
    ) -> None:
        self._data = data
        self._attempt = upload.Upload(
            conf, image_id, wire.HASHED, size, context)

    def __iter__(self) -> Iterator[bytes]:
        read = 0
        try:
            for chunk in self._data:
                yield chunk
                read += len(chunk)
                if read:
                    self._attempt.written(read)
        except BaseException as exc:
            self._attempt.failed(exc)
            raise
        self._attempt.finished(read)
