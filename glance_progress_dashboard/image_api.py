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

"""What the Image API says of progress, asked as Horizon asks Glance.

Where glance-api has not our routes, each call says so: Unavailable.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
import urllib.parse

from django.core import cache
from glanceclient import exc
from openstack_dashboard.api import glance

#: One image as doc/source/api describes it.
Progress = dict[str, Any]

#: Images a page; glance-api makes it less where its api_limit_max is.
PAGE = 1000

#: Pages of one answer. In a page of failures may be none.
PAGES = 5

#: Seconds for which a process remembers whether glance-api has our routes.
REMEMBERED = 300

_LIST = '/v2/info/progress'


class Unavailable(Exception):
    """Says that the cloud's glance-api has not our routes."""


def in_transit(request: Any) -> list[Progress]:
    """Return the images whose data are under way, newest first.

    :raises Unavailable: if there is no such route
    """
    return _listed(request, {})


def failed(request: Any) -> list[Progress]:
    """Return the images of which an upload, import or copy has failed.

    :raises Unavailable: if there is no such route
    """
    return _listed(request, {'failed': 'true'})


def each_of(request: Any, image_ids: Iterable[str]) -> list[Progress]:
    """Return the progress of these images, but for those not to be seen."""
    found = (_one(request, image_id) for image_id in image_ids)
    return [progress for progress in found if progress is not None]


def available(request: Any) -> bool:
    """Tell whether glance-api has our routes, also when asked often.

    When glance-api does not answer it is taken to have none.
    """
    key = f'glance-progress-available-{request.user.services_region}'
    known = cache.cache.get(key)
    if known is None:
        try:
            _get(request, f'{_LIST}?limit=0')
            known = True
        except Exception:  # the page shall come without us
            known = False
        cache.cache.set(key, known, REMEMBERED)
    return bool(known)


def _listed(request: Any, query: dict[str, str]) -> list[Progress]:
    path = f'{_LIST}?' + urllib.parse.urlencode({'limit': PAGE, **query})
    found: list[Progress] = []
    for _ in range(PAGES):
        try:
            page = _get(request, path)
        except exc.HTTPNotFound:
            raise Unavailable from None
        found.extend(page['images'])
        if not page.get('next'):
            break
        path = page['next']
    return found


def _one(request: Any, image_id: str) -> Progress | None:
    try:
        return _get(request, f'/v2/images/{image_id}/progress')
    except exc.HTTPNotFound:
        return None


def _get(request: Any, path: str) -> dict[str, Any]:
    _, body = glance.glanceclient(request).http_client.get(path)
    return body
