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

"""API services of the cloud's projects."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence

from allinone.daemons import wsgi
from allinone.openstack import layout


class Api(wsgi.Api):
    """Runs one, at the port that the site has for its project.

    :param module: name of a module that has an `application`
    :param project: the project that it is of
    :param variables: environment variables of its own
    :param args: further arguments for uwsgi
    """

    def __init__(self, site: layout.Site, name: str, module: str,
                 project: str, variables: Mapping[str, str],
                 args: Sequence[str] = ()) -> None:
        super().__init__(name, site.directory, site.venv, module,
                         site.ports[project],
                         {**site.environment(), **variables}, args)
