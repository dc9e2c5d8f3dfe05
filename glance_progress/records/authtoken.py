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

"""The memcached servers of keystonemiddleware, as far as they are of use.

What is in ``[keystone_authtoken]`` was written for keystonemiddleware. It may
be more than pymemcache can do, or wrong, and Glance runs with it or says so
itself: no value in there is a reason for this package to stop a service.
"""

from __future__ import annotations

import dataclasses

from oslo_config import cfg

from glance_progress import foreign
from glance_progress.records import endpoints
from glance_progress.records import tls
from glance_progress import warning

_GROUP = 'keystone_authtoken'

# As in keystonemiddleware/auth_token/_opts.py. Up to 2024.1 there is neither
# TLS nor a login.
_OPTS = [
    cfg.ListOpt('memcached_servers', deprecated_name='memcache_servers'),
    cfg.BoolOpt('memcache_use_advanced_pool', default=True),
    cfg.BoolOpt('memcache_sasl_enabled', default=False),
    cfg.BoolOpt('memcache_tls_enabled', default=False),
    cfg.StrOpt('memcache_tls_cafile'),
    cfg.StrOpt('memcache_tls_certfile'),
    cfg.StrOpt('memcache_tls_keyfile'),
    cfg.StrOpt('memcache_tls_allowed_ciphers'),
]


class Unusable(Exception):
    """It names servers, and this package cannot use them."""


@dataclasses.dataclass(frozen=True)
class Servers:
    """What keystonemiddleware is told.

    :param addresses: as pymemcache takes them; empty when none are named
    :param left_out: what was named and is no server
    :param tls: None for plain text
    """

    addresses: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    tls: tls.Settings | None = None


def read(conf: cfg.ConfigOpts) -> Servers:
    """Return the servers that the files of *conf* name.

    :raises Unusable: saying why they cannot be used
    """
    try:
        return _read(foreign.Others(conf, {_GROUP: _OPTS}))
    except Unusable:
        raise
    except Exception as exc:
        # oslo.config says less of it, and in ways that differ.
        raise Unusable('[%s] cannot be read: %s' % (
            _GROUP, warning.reason(exc))) from exc


def _read(files: foreign.Others) -> Servers:
    addresses, left_out = [], []
    for text in files.get(_GROUP, 'memcached_servers') or ():
        try:
            if text.strip():
                addresses.append(endpoints.parse(text))
        except ValueError:
            left_out.append(text)
    if left_out and not addresses:
        raise Unusable('[%s] memcached_servers = %s names no memcached server'
                       % (_GROUP, ','.join(left_out)))
    if not addresses:
        return Servers()
    if files.get(_GROUP, 'memcache_sasl_enabled'):
        raise Unusable(
            '[%s] memcache_sasl_enabled = True asks for a login at memcached, '
            'which pymemcache cannot do' % _GROUP)
    return Servers(tuple(addresses), tuple(left_out), _tls(files))


def _tls(files: foreign.Others) -> tls.Settings | None:
    # Its simple pool talks plain text whatever the options say.
    if not (files.get(_GROUP, 'memcache_tls_enabled')
            and files.get(_GROUP, 'memcache_use_advanced_pool')):
        return None
    return tls.Settings('[%s] memcache_tls_' % _GROUP, *(
        files.get(_GROUP, 'memcache_tls_' + name)
        for name in ('cafile', 'certfile', 'keyfile', 'allowed_ciphers')))
