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

"""All options of ``[glance_progress]``, collected from where they count."""

from __future__ import annotations

from oslo_config import cfg

from glance_progress.driver import options as driver
from glance_progress.locations import options as locations
from glance_progress.records import options as records
from glance_progress.records import servers
from glance_progress import section

OPTS = [*records.OPTS, *driver.OPTS, *locations.OPTS]


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """Return the options for oslo-config-generator."""
    return [(section.NAME, OPTS)]


def check(conf: cfg.ConfigOpts) -> None:
    """Read every option once, so that a wrong value is found at load.

    What they name is read, too: a certificate that cannot be is a wrong value.

    :raises ValueError: naming option and value
    """
    section.check(conf, OPTS)
    records.check(conf)
    driver.check(conf)
    servers.of(conf)
