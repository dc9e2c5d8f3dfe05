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

"""Which memcached servers are used, and how they are talked to."""

from __future__ import annotations

import dataclasses
import ssl

from oslo_config import cfg

from glance_progress.records import authtoken
from glance_progress.records import options
from glance_progress.records import tls
from glance_progress import section


@dataclasses.dataclass(frozen=True)
class Servers:
    """What there is to talk to.

    :param addresses: as pymemcache takes them; empty for no memcached at all
    :param tls_context: None for plain text
    :param problem: what of keystonemiddleware's options cannot be used, and
        what comes of it; None when all can
    """

    addresses: tuple[str, ...]
    tls_context: ssl.SSLContext | None = None
    problem: str | None = None


def of(conf: cfg.ConfigOpts) -> Servers:
    """Return the servers that *conf* names, or those of keystonemiddleware.

    :raises ValueError: naming the option of ours that is wrong
    """
    values = section.of(conf, options.OPTS)
    own_context = None
    if values.memcached_tls_enabled:
        own_context = tls.Settings(
            '[%s] memcached_tls_' % section.NAME, values.memcached_tls_cafile,
            values.memcached_tls_certfile, values.memcached_tls_keyfile,
        ).context()
    if values.memcached_servers:
        return Servers(tuple(values.memcached_servers), own_context)
    try:
        found = authtoken.read(conf)
        context = own_context
        if values.memcached_tls_enabled is None and found.tls is not None:
            context = _context(found.tls)
    except authtoken.Unusable as exc:
        return Servers((), problem=(
            '%s. No memcached is used, and no progress is kept. Name servers '
            'in [%s] memcached_servers.' % (exc, section.NAME)))
    if not found.addresses:
        return Servers((options.DEFAULT_SERVER,), own_context)
    return Servers(found.addresses, context, _left_out(found))


def _context(inherited: tls.Settings) -> ssl.SSLContext:
    try:
        return inherited.context()
    except ValueError as exc:
        raise authtoken.Unusable(exc) from exc


def _left_out(found: authtoken.Servers) -> str | None:
    if not found.left_out:
        return None
    return ('[keystone_authtoken] memcached_servers names what is no '
            'memcached server: %s. It is left out.'
            % ', '.join(map(repr, found.left_out)))
