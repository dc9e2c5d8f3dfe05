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

"""The image service that a command asks."""

from __future__ import annotations

from typing import Any

from keystoneauth1 import adapter


def session(app: Any) -> adapter.Adapter:
    """Return what asks the service, as the user has authenticated.

    :param app: OpenStackClient
    """
    # Not the image client itself: it may answer from a cache.
    image = app.client_manager.image
    return adapter.Adapter(
        image.session, endpoint_override=image.get_endpoint())
