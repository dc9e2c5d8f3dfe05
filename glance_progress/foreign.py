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

"""Options of others, from the files that a service has read its own from.

Whoever registers them elsewhere would fail if they were registered here, and
may do so late or not at all: keystonemiddleware when the pipeline is built. So
the files are read again, into a place of our own.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping

from oslo_config import cfg


def read(
    conf: cfg.ConfigOpts, options: Mapping[str | None, Iterable[cfg.Opt]]
) -> cfg.ConfigOpts:
    """Return what the files of *conf* say.

    :param options: by section; that of None is DEFAULT
    """
    found = cfg.ConfigOpts()
    for group, wanted in options.items():
        found.register_opts(wanted, group=group)
    found(args=[], default_config_files=list(conf.config_file or ()),
          default_config_dirs=list(conf.config_dir or ()))
    return found
