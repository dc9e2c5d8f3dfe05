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

"""Connections to Ceph for looks at it, kept for as long as they are used."""

from __future__ import annotations

import contextlib
import functools
from typing import Any

from glance_progress.ceph import address
from glance_progress.ceph import places

try:
    import rados
except ImportError:
    rados = None

#: Seconds after which a call of Ceph's ends with an error.
TIMEOUT = 5


def limit(cluster: Any, timeout: int = TIMEOUT) -> None:
    """Have no call of a rados.Rados take longer than *timeout* seconds."""
    for option in ('rados_osd_op_timeout', 'rados_mon_op_timeout',
                   'client_mount_timeout'):
        cluster.conf_set(option, str(timeout))


class Clusters:
    """I/O contexts by place. For one thread at a time.

    They are not those of uploads: their timeouts are, and a look that hangs
    takes nothing away from them. When one moves what a client that is gone has
    locked, the lock is broken and the client's address is not blocked: others
    may have it (:mod:`glance_progress.ceph.address`).

    :param timeout: seconds after which a call of Ceph's ends with an error
    """

    def __init__(self, timeout: int = TIMEOUT) -> None:
        self._timeout = timeout
        self._connected: dict[tuple[str, str | None], Any] = {}
        self._ioctxs: dict[places.Place, Any] = {}

    def ioctx(self, place: places.Place) -> Any:
        """Return an I/O context on the pool of *place*.

        :raises rados.Error: when there is none to be had, in time
        """
        ioctx = self._ioctxs.get(place)
        if ioctx is None:
            cluster = self._cluster(*place.cluster)
            ioctx = self._ioctxs[place] = cluster.open_ioctx(place.pool)
        return ioctx

    def fsid(self, place: places.Place) -> str:
        """Return the id of the Ceph that *place* is in."""
        return str(self._cluster(*place.cluster).get_fsid())

    def _cluster(self, ceph_conf: str, user: str | None) -> Any:
        cluster = self._connected.get((ceph_conf, user))
        if cluster is None:
            cluster = rados.Rados(conffile=ceph_conf, rados_id=user)
            limit(cluster, self._timeout)
            for word in 'blocklist', 'blacklist':  # before Pacific
                with contextlib.suppress(rados.Error):
                    cluster.conf_set(
                        'rbd_%s_on_break_lock' % word, 'false')
            address.unique(functools.partial(cluster.connect, self._timeout))
            self._connected[ceph_conf, user] = cluster
        return cluster

    def forget(self, place: places.Place) -> None:
        """Connect anew at the next use of *place*'s cluster."""
        for other in list(self._ioctxs):
            if other.cluster == place.cluster:
                self._ioctxs.pop(other).close()
        cluster = self._connected.pop(place.cluster, None)
        if cluster is not None:
            cluster.shutdown()

    def close(self) -> None:
        """End all connections."""
        for place in list(self._ioctxs):
            self.forget(place)
        for key in list(self._connected):
            self._connected.pop(key).shutdown()
