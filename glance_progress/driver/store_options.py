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

"""The options of glance_store, for who reads them without a service."""

from __future__ import annotations

import glance_store
from oslo_config import cfg


def register(conf: cfg.ConfigOpts) -> None:
    """Have *conf* know the options of its stores.

    :param conf: loaded
    """
    if getattr(conf, 'enabled_backends', None):
        glance_store.register_store_opts(conf)
    else:
        glance_store.register_opts(conf)
