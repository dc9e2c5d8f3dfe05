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

"""Whether memcached takes and gives records, over TLS where that is agreed."""

from __future__ import annotations

from collections.abc import Iterator
import socket
import ssl
from typing import Any
import uuid

from oslo_config import cfg
from pymemcache.client import base

from glance_progress.cmd.checks import subject
from glance_progress.cmd.checks import verdict
from glance_progress.records import memcached
from glance_progress.records import options
from glance_progress.records import servers
from glance_progress import section

NAME = 'memcached'

# Seconds for which it keeps what could not be taken away again.
_TTL = 60


def check(about: subject.Subject) -> Any:
    """Write to each server, read it back, and take it away again."""
    used = servers.of(about.conf)
    if not used.addresses:
        return verdict.of(verdict.FAILURE, used.problem)
    found = [(verdict.WARNING, used.problem)] if used.problem else []
    if about.offline:
        return verdict.worst(found, subject.OFFLINE)
    failed = list(_failed(about.conf, used))
    for address, reason in failed:
        code = (verdict.FAILURE if len(failed) == len(used.addresses)
                else verdict.WARNING)
        found.append((code, '%s: %s.' % (address, reason)))
    return verdict.worst(found, '%s answers%s.' % (
        ', '.join(used.addresses), '' if used.tls_context is None
        else ' over TLS'))


def _failed(
    conf: cfg.ConfigOpts, used: servers.Servers
) -> Iterator[tuple[str, str]]:
    for address in used.addresses:
        reason = _try(_server(conf, address, used.tls_context))
        if reason is not None:
            yield address, reason + _hint(conf, address, used.tls_context)


def _server(
    conf: cfg.ConfigOpts, address: str, context: ssl.SSLContext | None
) -> memcached.Server:
    values = section.of(conf, options.OPTS)
    client = memcached.Memcached(
        [address], values.memcached_connect_timeout, values.memcached_timeout,
        context)
    server, = client.servers
    return server


def _try(server: memcached.Server) -> str | None:
    """Return why *server* is of no use; None if it is well."""
    key = 'glance_progress_check:%s' % uuid.uuid4()
    value = b'checked'
    try:
        if not server.call('set', key, value, expire=_TTL, noreply=False):
            return 'it stores nothing'
        if server.call('get', key) != value:
            return 'it does not give back what it has taken'
        server.call('delete', key, noreply=False)
    except memcached.Unavailable as exc:
        return str(exc).partition(': ')[2] or str(exc)
    return None


def _hint(
    conf: cfg.ConfigOpts, address: str, context: ssl.SSLContext | None
) -> str:
    """Return that it talks otherwise, if that is what is wrong."""
    if context is not None:
        return (', but talks without TLS'
                if _try(_server(conf, address, None)) is None else '')
    if _talks_tls(conf, address):
        return ', but talks TLS, see memcached_tls_enabled'
    return ''


def _talks_tls(conf: cfg.ConfigOpts, address: str) -> bool:
    place = base.normalize_server_spec(address)
    if not isinstance(place, tuple):
        return False  # pymemcache knows no TLS to a socket's path
    # Nothing is said to it, so that it need not be trusted.
    anybody = ssl.create_default_context()
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE
    timeout = section.of(conf, options.OPTS).memcached_connect_timeout
    try:
        with socket.create_connection(place, timeout) as plain:
            with anybody.wrap_socket(plain):
                return True
    except ssl.SSLError as exc:
        return 'alert' in str(exc).lower()  # as for want of a certificate
    except OSError:
        return False
