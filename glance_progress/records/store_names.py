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

"""The names by which records know the stores of a Glance."""

from __future__ import annotations

from oslo_config import cfg

from glance_progress.records import wire

#: What a store is called where Glance has no name for it: its scheme.
UNNAMED = 'rbd'

# Glance adds its reserved stores to enabled_backends. Only the staging area's
# has records.
_RESERVED = 'os_glance_'


def backends(conf: cfg.ConfigOpts) -> list[str]:
    """Return the stores that ``enabled_backends`` in *conf* names."""
    # Whoever is no glance-api may not have the option.
    return [store for store in getattr(conf, 'enabled_backends', None) or {}
            if not store.startswith(_RESERVED)]


def all_of(conf: cfg.ConfigOpts) -> list[str]:
    """Return every store that there may be records of."""
    return (backends(conf) or [UNNAMED]) + [wire.STAGING_STORE]
