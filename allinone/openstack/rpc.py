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

"""Services that others reach by the message queue."""

from __future__ import annotations

from collections.abc import Mapping
import pathlib

from allinone.daemons import rabbitmq
from allinone import mounts
from allinone.openstack import layout
from allinone import service


class RpcService(service.Service):
    """Runs a service of Nova or Cinder.

    :param broker: through which it is reached
    :param name: that of its program
    :param conf: its configuration file
    :param queue: what it is the only one to listen to
    :param places: see mounts.private(); None for no namespace
    """

    # Each look is a connection.
    ready_poll = 0.3

    def __init__(self, site: layout.Site, broker: rabbitmq.RabbitMq,
                 name: str, conf: pathlib.Path, *, queue: str,
                 places: Mapping[str, pathlib.Path] | None = None) -> None:
        super().__init__(name, site.directory)
        self.site = site
        self.broker = broker
        self.conf = conf
        self.queue = queue
        self.places = places

    def program(self) -> list[str]:
        """Return the program that does the work, and its arguments."""
        return [self.site.program(self.name), '--config-file', str(self.conf)]

    def command(self) -> list[str]:
        line = self.program()
        if self.places is None:
            return line
        # os-brick writes /etc/nvme where the machine can do NVMe.
        return mounts.private(line, self.places, protect=['/etc'])

    def environment(self) -> dict[str, str]:
        return self.site.environment()

    def ready(self) -> bool:
        """Tell whether it listens.

        Its record in the database may be that of the process before it.
        """
        return self.broker.consumers(self.queue) > 0

    def stop(self, timeout: float = 5) -> None:
        """End it soon: nova-compute may take a minute if it is not killed."""
        super().stop(timeout)
