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

"""How memcached servers are written, and which ones are used."""

from __future__ import annotations

import ipaddress
from typing import Any

from oslo_config import cfg
from oslo_config import types
from pymemcache.client import base

from glance_progress import section

DEFAULT = '127.0.0.1:11211'


class MemcachedServer(types.ConfigType):
    """``host``, ``host:port``, ``[address]:port`` or ``unix:/path``."""

    def __init__(self) -> None:
        super().__init__(type_name='memcached server')

    def __call__(self, value: str) -> str:
        # keystonemiddleware's way to mark an IPv6 address
        text = str(value).strip()
        if text.startswith('inet6:'):
            text = text[len('inet6:'):]
        if text.startswith(('unix:/', '/')):
            return text
        try:
            host, port = base.normalize_server_spec(text)
            valid = bool(host) and 0 < port < 65536
            if ':' in host:
                # Without brackets its end would be taken for the port.
                ipaddress.IPv6Address(host)
                valid = valid and text.startswith('[')
        except ValueError:
            valid = False
        if not valid or any(c in host for c in '/@?#,= \t'):
            raise ValueError(
                '%r is no memcached server; write host:port, '
                '[IPv6 address]:port or unix:/path' % value)
        return text

    def __repr__(self) -> str:
        return 'MemcachedServer'

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    __hash__ = types.ConfigType.__hash__

    def _formatter(self, value: str) -> str:
        return value


def of(conf: cfg.ConfigOpts) -> list[str]:
    """Return the servers that *conf* names, or those of keystonemiddleware.

    :param conf: with the options of this folder
    :raises ValueError: naming the option and the server that is none
    """
    named: list[str] | None = conf[section.NAME].memcached_servers
    return named or _of_authtoken(conf) or [DEFAULT]


def _of_authtoken(conf: cfg.ConfigOpts) -> Any:
    group = 'keystone_authtoken'
    files = section.of_others(conf, {group: [cfg.ListOpt(
        'memcached_servers', item_type=MemcachedServer(),
        deprecated_name='memcache_servers')]})
    try:
        return files[group].memcached_servers
    except ValueError as exc:  # it does not say of which section
        raise ValueError('[%s]: %s' % (group, exc)) from exc
