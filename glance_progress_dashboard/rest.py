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

"""What browsers ask Horizon: one request a page, however many images."""

from __future__ import annotations

import logging
import re
from typing import Any

from django.views import generic
from openstack_dashboard.api.rest import urls
from openstack_dashboard.api.rest import utils

from glance_progress_dashboard import image_api

LOG = logging.getLogger(__name__)

#: Images that may be asked for by id: each costs a request to glance-api.
MOST = 20

_ID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')


@urls.register
class Images(generic.View):
    """The progress of all images that a table may show."""

    url_regex = r'image-progress/images/$'

    @utils.ajax()
    def get(self, request: Any) -> dict[str, Any]:
        """Return those in transit, and those that are asked for.

        Query parameters: `ids`, ids of further images, with commas between
        them; `failed`, `true` for those that have failed as well.

        :returns: `available`, whether the cloud has this at all, and `items`,
            each as the Image API says it, or None when nobody can tell
        """
        try:
            found = image_api.in_transit(request)
            if request.GET.get('failed') == 'true':
                found += image_api.failed(request)
            known = {each['image_id'] for each in found}
            found += image_api.each_of(request, [
                each for each in _ids(request) if each not in known])
        except image_api.Unavailable:
            return {'available': False, 'items': []}
        except Exception as exc:  # the table shall come without us
            LOG.warning('The progress of images is not known: %s', exc)
            return {'available': True, 'items': None}
        return {'available': True, 'items': found}


@urls.register
class Failures(generic.View):
    """The images of the project whose data have not arrived of late."""

    url_regex = r'image-progress/failures/$'

    @utils.ajax()
    def get(self, request: Any) -> dict[str, Any]:
        """Return `items`, newest first; none where the cloud has no such."""
        try:
            found = image_api.failed(request)
        except image_api.Unavailable:
            found = []
        return {'items': [each for each in found
                          if each['owner'] == request.user.project_id]}


def _ids(request: Any) -> list[str]:
    asked = request.GET.get('ids', '').split(',')
    return [each for each in asked if _ID.fullmatch(each)][:MOST]
