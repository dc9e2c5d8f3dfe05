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

"""How a memcached server is written."""

from __future__ import annotations

import ipaddress

from oslo_config import types
from pymemcache.client import base

# By which python-memcached, and so keystonemiddleware, tells IPv4 from IPv6.
# Here the brackets do.
_FAMILIES = ('inet:', 'inet6:')


class MemcachedServer(types.ConfigType):
    """``host``, ``host:port``, ``[address]:port`` or ``unix:/path``."""

    def __init__(self) -> None:
        super().__init__(type_name='memcached server')

    def __call__(self, value: str) -> str:
        return parse(value)

    def __repr__(self) -> str:
        return 'MemcachedServer'

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    __hash__ = types.ConfigType.__hash__

    def _formatter(self, value: str) -> str:
        return value


def parse(value: str) -> str:
    """Return *value* as pymemcache takes it.

    :raises ValueError: it is no server
    """
    text = str(value).strip()
    for family in _FAMILIES:
        if text.startswith(family):
            text = text[len(family):]
            break
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
