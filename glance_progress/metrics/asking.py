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

"""What the Image API is asked: what is in transit, and what has failed."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
from typing import Any

from keystoneauth1 import adapter
from oslo_log import log as logging

from glance_progress import client
from glance_progress.metrics import account
from glance_progress import warning

LOG = logging.getLogger(__name__)

# As many a page as Glance allows by default; it answers with less where it
# allows less.
_PAGE = 1000

_seldom = warning.Seldom()


@dataclasses.dataclass(frozen=True)
class Transit:
    """What was answered of images in transit.

    :ivar images: objects of the API, one an image
    :ivar memcached: how many ``servers`` there are and how many of them are
        ``answering``; None when that is not told
    """

    images: Sequence[Mapping[str, Any]]
    memcached: Mapping[str, int] | None


def transit(api: adapter.Adapter) -> Transit:
    """Ask what is in transit.

    :raises client.NoProgressApi: when glance-api has no such resource
    :raises keystoneauth1.exceptions.ClientException: when it does not answer
    """
    images: dict[str, Any] = {}
    memcached: Mapping[str, int] | None = None
    for number, page in enumerate(client.pages(
            client.Api(api), limit=_PAGE, timeout=account.TIMEOUT)):
        images.update((each['image_id'], each) for each in page['images'])
        if number == 0:
            memcached = _memcached(page)
    return Transit(list(images.values()), memcached)


def failed(api: adapter.Adapter) -> list[Mapping[str, Any]]:
    """Ask which images have failed, and raise as transit() does."""
    return [image for page in client.pages(
        client.Api(api), failed=True, limit=_PAGE,
        timeout=account.TIMEOUT)
        for image in page['images']]


def _memcached(page: Mapping[str, Any]) -> Mapping[str, int] | None:
    """Return what the first *page* says of memcached."""
    told = page.get('memcached')
    # Since 1.4
    if told is None and 'memcached' in page and _seldom.admits('admin'):
        LOG.warning(
            'Glance does not take the account for an administrator, and shows '
            'it the images of its own project alone: give it the role admin. '
            '(Said once an hour.)')
    return told
