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

"""Glance as a library: its options, stores and repositories, as an admin."""

from __future__ import annotations

import functools
from typing import Any

from glance.common import config
from glance.common import exception
from glance.common import wsgi  # noqa: F401  (registers its options)
from glance import context as glance_context
from glance import db
from glance import gateway
import glance_store
from oslo_config import cfg

#: What Glance raises where another was faster.
LOST_RACE = (exception.Conflict, exception.NotFound,
             exception.InvalidImageStatusTransition,
             exception.InvalidTaskStatusTransition)

# As glance.common.wsgi_app has them.
_RESERVED = {'os_glance_staging_store': 'file',
             'os_glance_tasks_store': 'file'}


def options() -> cfg.ConfigOpts:
    """Return Glance's options, to be loaded from its files."""
    config.set_config_defaults()
    return cfg.CONF


def register_stores(conf: cfg.ConfigOpts) -> None:
    """Have loaded options know those of the stores."""
    if conf.enabled_backends:
        glance_store.register_store_opts(conf, reserved_stores=_RESERVED)
    else:
        glance_store.register_opts(conf)


def make_stores(conf: cfg.ConfigOpts) -> None:
    """Make the stores, as saving an image asks them for access lists."""
    if conf.enabled_backends:
        glance_store.create_multi_stores(conf, reserved_stores=_RESERVED)
    else:
        glance_store.create_stores(conf)


def self_url(conf: cfg.ConfigOpts) -> str | None:
    """Return by which URL workers of this glance-api name themselves."""
    url: str | None = conf.worker_self_reference_url or conf.public_endpoint
    return url


@functools.cache
def _gateway() -> Any:
    return gateway.Gateway(db.get_api())


def context() -> Any:
    """Return the context of an administrator."""
    return glance_context.RequestContext(
        is_admin=True, roles=['admin'], overwrite=False)


def database() -> Any:
    """Return the functions on rows that Glance's own imports use."""
    return db.get_api()


def image_repository() -> Any:
    """Return Glance's own repository: with quotas, notifications and all."""
    return _gateway().get_repo(context())


def task_repository() -> Any:
    return _gateway().get_task_repo(context())
