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

"""nova-compute that registers locations as Nova did up to 2025.1 (31)."""

import sys

from nova.cmd import compute
from nova.image import glance


def _add_location(self, context, image_id, location):
    return self._client.call(
        context, 2, 'add_location', args=(image_id, location, {}))


if __name__ == '__main__':
    glance.GlanceImageServiceV2._add_location = _add_location
    sys.argv[0] = 'nova-compute'
    sys.exit(compute.main())
