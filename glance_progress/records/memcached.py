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

"""The process's one way to the memcached servers."""

from __future__ import annotations

import collections
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Set
from concurrent import futures
import functools
import ssl
import threading
import time
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging
from pymemcache.client import base
from pymemcache.client import rendezvous
from pymemcache import exceptions

from glance_progress import process
from glance_progress.records import options
from glance_progress.records import resolver
from glance_progress.records import servers as used_servers
from glance_progress import section
from glance_progress import warning

LOG = logging.getLogger(__name__)

#: Seconds for which a server that failed is left alone.
RETRY_AFTER = 5.0

# Keys that are remembered to be with others than their own servers.
_MAX_EVERYWHERE = 2000

# A key to ask for when the answer does not matter.
_NOBODYS = 'glance_progress'


class Unavailable(Exception):
    """The server does not answer, or failed a moment ago."""


class Server:
    """One memcached server: a pool of connections and a circuit breaker."""

    def __init__(self, address: str, **options: Any) -> None:
        spec = base.normalize_server_spec(address)
        # HashClient's name for it, by which dashboards find their keys
        self.name = '%s:%s' % spec if isinstance(spec, tuple) else spec
        self._make = functools.partial(base.PooledClient, spec, **options)
        self._client = self._make()
        self._retry_at = 0.0
        self._lock = threading.Lock()

    @property
    def resting(self) -> bool:
        """Whether it failed less than RETRY_AFTER seconds ago."""
        return time.monotonic() < self._retry_at

    def call(self, command: str, *args: Any, **kwargs: Any) -> Any:
        """Run one of pymemcache's commands.

        :raises Unavailable: when the server does not answer in time, answers
            with an error, or is resting after such a failure
        """
        self._admit()
        try:
            result = self._run(command, args, kwargs)
        except Exception as exc:
            # Besides OSError and MemcacheError pymemcache lets out what its
            # parser meets in a garbled answer (ValueError, KeyError), and
            # getaddrinfo a UnicodeError.
            self._failed(exc)
            raise Unavailable('%s: %s' % (self.name, _why(exc))) from exc
        self._answered()
        return result

    def _admit(self) -> None:
        with self._lock:
            if self.resting:
                raise Unavailable('%s failed a moment ago' % self.name)
            if self._retry_at:
                # One caller tries; the others need not wait with it.
                self._retry_at = time.monotonic() + RETRY_AFTER

    def _failed(self, exc: Exception) -> None:
        with self._lock:
            first, self._retry_at = (
                not self._retry_at, time.monotonic() + RETRY_AFTER)
        if first:
            LOG.warning(
                'memcached server %s fails (%s). Uploads go on; the progress '
                'kept there is missing until it answers again.',
                self.name, _why(exc))

    def _answered(self) -> None:
        with self._lock:
            recovered, self._retry_at = bool(self._retry_at), 0.0
        if recovered:
            LOG.info('memcached server %s answers again.', self.name)

    def _run(self, command: str, args: Any, kwargs: Any) -> Any:
        try:
            return getattr(self._client, command)(*args, **kwargs)
        except (ConnectionError, exceptions.MemcacheUnexpectedCloseError):
            # The pool's connections are those of a server that was restarted.
            # To close them would close those that other threads have opened
            # since.
            self._client = self._make()
            return getattr(self._client, command)(*args, **kwargs)


def _why(exc: Exception) -> str:
    if isinstance(exc, exceptions.MemcacheUnexpectedCloseError):
        return 'it closed the connection'  # of which pymemcache says nothing
    return warning.reason(exc)


class Memcached:
    """All servers. A key lives where pymemcache's HashClient would put it.

    HashClient itself is not used for three reasons: its bookkeeping of dead
    servers is not made for threads, it does not tell a failure from a pause,
    and it cannot ask every server for a key. That is what reading does here:
    while a server comes and goes, reader and writer need not agree on which
    of them is alive.

    :param servers: as :mod:`glance_progress.records.servers` has them
    :param connect_timeout: seconds for a connection, and again for the name
    :param timeout: seconds for an answer, and for a reading as a whole
    """

    def __init__(
        self,
        servers: Iterable[str],
        connect_timeout: float,
        timeout: float,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        servers = list(servers)
        self._again = functools.partial(
            Memcached, servers, connect_timeout, timeout, tls_context)
        # Keys that others have had because their own servers rested.
        self._everywhere: collections.OrderedDict[str, None] = (
            collections.OrderedDict())
        # For a name, a connection and an answer.
        self._patience = 2 * connect_timeout + timeout
        self._threads: futures.ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        sockets = resolver.BoundedSockets(connect_timeout)
        self.servers = [
            Server(address, connect_timeout=connect_timeout, timeout=timeout,
                   no_delay=True, socket_module=sockets,
                   tls_context=tls_context)
            for address in servers]
        self._homes = rendezvous.RendezvousHash(
            nodes=[server.name for server in self.servers])

    def again(self) -> Memcached:
        """Return another one like this, without its connections."""
        return self._again()

    @property
    def resting(self) -> bool:
        """Whether a server is left alone, so that others have its keys."""
        return any(server.resting for server in self.servers)

    def set_many(self, values: Mapping[str, bytes], ttl: int) -> list[str]:
        """Store *values* for *ttl* seconds, one round trip a server.

        While a key's own server rests, all others have it, and go on to have
        what comes later: another process may leave the key's own alone for
        longer, or again, or one of the others, and must not be left with what
        is old.

        :returns: the keys that no server has taken
        """
        servers = {s.name: s for s in self.servers if not s.resting}
        batches: dict[str, dict[str, bytes]] = collections.defaultdict(dict)
        for key, value in values.items():
            for name in self._places(key, servers.keys()):
                batches[name][key] = value
        taken: set[str] = set()
        for name, batch in batches.items():
            try:
                refused = servers[name].call(
                    'set_many', batch, expire=ttl, noreply=False)
            except Unavailable:
                continue
            taken.update(batch.keys() - set(refused))
        return [key for key in values if key not in taken]

    def _places(self, key: str, awake: Set[str]) -> Set[str]:
        """Return those of *awake* that are to have a value of *key*."""
        home = self._homes.get_node(key)
        with self._lock:
            if home not in awake:
                self._everywhere[key] = None
                self._everywhere.move_to_end(key)
                while len(self._everywhere) > _MAX_EVERYWHERE:
                    self._everywhere.popitem(last=False)
            return awake if key in self._everywhere else {home}

    def add(self, key: str, value: bytes, ttl: int) -> bool | None:
        """Store *value* for *ttl* seconds, unless *key* is there already.

        :returns: whether it was not there; None when no server answered
        """
        servers = {s.name: s for s in self.servers if not s.resting}
        name = rendezvous.RendezvousHash(nodes=list(servers)).get_node(key)
        if name is None:
            return None
        try:
            return bool(servers[name].call(
                'add', key, value, expire=ttl, noreply=False))
        except Unavailable:
            return None

    def get_many(self, keys: Iterable[str]) -> list[dict[str, bytes]]:
        """Ask every server for *keys*, one round trip each, side by side.

        One that does not answer takes nothing from the time of the others.

        :returns: for each server that answered in time, what it holds of the
            keys
        """
        keys = list(keys)
        asked = [server for server in self.servers if not server.resting]
        if len(asked) < 2:
            answers = [_asked(server, keys) for server in asked]
        else:
            pool = self._pool()
            looks = [pool.submit(_asked, server, keys) for server in asked]
            futures.wait(looks, self._patience)
            answers = [look.result() for look in looks if look.done()]
        return [answer for answer in answers if answer is not None]

    def answering(self) -> int:
        """Return how many of the servers answer now; those at rest do not."""
        return len(self.get_many([_NOBODYS]))

    def _pool(self) -> futures.ThreadPoolExecutor:
        with self._lock:
            if self._threads is None:
                # Threads that wait for a silent server must not keep others
                # from asking the rest; they end when its time is over.
                self._threads = futures.ThreadPoolExecutor(
                    4 * len(self.servers), 'glance-progress-reader')
            return self._threads


def _asked(server: Server, keys: list[str]) -> dict[str, bytes] | None:
    try:
        found: dict[str, bytes] = server.call('get_many', keys)
    except Unavailable:
        return None
    return found


def from_conf(conf: cfg.ConfigOpts) -> Memcached:
    """Return a client for what ``[glance_progress]`` in *conf* says.

    :raises ValueError: naming the option that is wrong
    """
    values = section.of(conf, options.OPTS)
    used = used_servers.of(conf)
    if used.problem is not None:
        LOG.warning('%s', used.problem)
    return Memcached(
        used.addresses,
        connect_timeout=values.memcached_connect_timeout,
        timeout=values.memcached_timeout,
        tls_context=used.tls_context)


# A worker does not read files again: it was forked off by a service that
# runs with what they said at its start.
_memcached = process.PerProcess(from_conf, inherit=Memcached.again)

# What ours of the options said when the client was made.
_made_from: dict[str, Any] | None = None


def get(conf: cfg.ConfigOpts) -> Memcached:
    """Return the client that everything in this process shares."""
    return _memcached.get(conf)


def configure(conf: cfg.ConfigOpts) -> None:
    """Have a client by what ``[glance_progress]`` in *conf* says now.

    glance-api's script reads its files again when it gets SIGHUP, makes its
    stores anew, and forks new workers. The options of
    ``[keystone_authtoken]`` count from its start on, as they do for
    keystonemiddleware, unless ours have changed.

    :raises ValueError: naming the option that is wrong
    """
    global _made_from
    values = section.of(conf, options.OPTS)
    said = {option.dest: getattr(values, option.dest)
            for option in options.OPTS
            if option.dest.startswith('memcached_')}
    if _made_from is not None and said != _made_from:
        _memcached.reset()
    get(conf)
    _made_from = said


def reset() -> None:
    """Forget the client, so that the next options count."""
    global _made_from
    _memcached.reset()
    _made_from = None
