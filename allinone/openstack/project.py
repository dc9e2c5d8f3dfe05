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

"""What the projects of OpenStack have in common here."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from collections.abc import Sequence

from allinone import command
from allinone import ini
from allinone.openstack import layout
from allinone import service


class Project(abc.ABC):
    """Has the configuration, databases and services of one project.

    :param site: what it knows of the other projects
    """

    name: str
    #: The services in the order in which they start.
    services: Sequence[service.Service]

    def __init__(self, site: layout.Site) -> None:
        self.site = site
        self.etc = site.etc(self.name)
        self.state = site.state(self.name)
        self.conf = self.etc / f'{self.name}.conf'

    @abc.abstractmethod
    def configure(self) -> None:
        """Write the configuration files as an operator has them."""

    @abc.abstractmethod
    def sync(self) -> None:
        """Make the tables in the databases."""

    def write_conf(self, *layers: ini.Options) -> None:
        """Write the file `conf`, in which later layers win."""
        self.conf.write_text(ini.conf(self.site.common(self.name), *layers))

    def manage(self, program: str, *args: str,
               env: Mapping[str, str] | None = None) -> str:
        """Run a command of the project that ends by itself.

        :raises ServiceError: if it fails
        """
        return command.run(
            self.name, [self.site.program(program), '--config-file',
                        str(self.conf), *args],
            env={**self.site.environment(), **(env or {})}, timeout=300)
