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

"""The panel among those of a project's computing."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
import horizon

from glance_progress_dashboard import image_api


class ImageFailures(horizon.Panel):
    """Is there where the cloud's glance-api can tell of failures."""

    name = _('Image Failures')
    slug = 'image_failures'
    permissions = ('openstack.services.image',)
    policy_rules = (('image', 'get_images'),)

    def allowed(self, context: Any) -> bool:
        return bool(super().allowed(context)
                    and image_api.available(context['request']))
