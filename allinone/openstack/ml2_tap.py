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

"""An ML2 mechanism driver for ports that lead nowhere.

It is copied next to Neutron and uses nothing of this tree.
"""

from __future__ import annotations

from typing import Any

from neutron_lib import constants
from neutron_lib.plugins.ml2 import api


class TapMechanismDriver(api.MechanismDriver):
    """Binds every port as a plain tap device, without agent and network."""

    def initialize(self) -> None:
        pass

    @property
    def connectivity(self) -> str:
        return 'l2'

    def bind_port(self, context: Any) -> None:
        for segment in context.segments_to_bind:
            context.set_binding(segment[api.ID], 'tap', {'port_filter': False},
                                status=constants.PORT_STATUS_ACTIVE)
            return
