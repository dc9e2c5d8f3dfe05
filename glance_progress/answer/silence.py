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

"""Tells of images whose upload has died without a word.

Glance says for ever that the data are on their way. memcached forgets the last
that was heard of them, and then the image's row alone knows since when.
"""

from __future__ import annotations

from collections.abc import Sequence

from glance_progress.answer import database
from glance_progress.answer import reconcile
from glance_progress.records import wire


def since(
    image: database.Image, stores: Sequence[reconcile.Store], now: float,
    after: float | None,
) -> float | None:
    """Return since when nothing was heard of data that should be coming.

    None when something was, or may have been, and when none are expected.

    :param stores: what is known of each store
    :param now: seconds since the epoch
    :param after: seconds after which what was heard is forgotten; None when
        that cannot be told
    """
    expected = image.status == 'saving' or (
        image.status == 'uploading' and image.size is None)
    if not expected or after is None or image.changed_at is None:
        return None
    heard = any(isinstance(each, wire.Record) for each in stores)
    if heard or now - image.changed_at <= after:
        return None
    return round(image.changed_at, 3)
