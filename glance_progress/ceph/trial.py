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

"""A trial, by doing, of what Glance needs in Ceph.

Caps of cephx can be written in many ways, and what they allow shows when
something is done. So this does what an upload, a deletion and a look at a
snapshot do, with an RBD image of a few bytes, and takes that away again.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import dataclasses
from typing import Any
import uuid

from glance_progress.ceph import clusters
from glance_progress.ceph import look
from glance_progress.ceph import places

try:
    import rados
    import rbd
except ImportError:
    rados = rbd = None

_SIZE = 4096
_SNAPSHOT = 'snap'


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    :param refused: what could not be done, and why; None when all could
    :param unseen: why no look can tell how far a snapshot is; None when one
        can
    :param left: name of an RBD image that could not be removed; None when
        nothing was left behind
    """

    refused: str | None = None
    unseen: str | None = None
    left: str | None = None


class _Refused(Exception):
    """A step of the trial failed."""


def run(place: places.Place) -> Outcome:
    """Try to store, look at and delete an image in *place*.

    No call of Ceph's takes longer than clusters.TIMEOUT, and librbd repeats
    some of them a few times; after the first one that failed, it is over.
    """
    name = 'glance-progress-status-%s' % uuid.uuid4()
    try:
        with _connected(place) as cluster:
            with _step('open pool %s' % place.pool,
                       cluster.open_ioctx, place.pool) as ioctx:
                return _in_pool(cluster, ioctx, name)
    except _Refused as exc:
        return Outcome(refused=str(exc))
    except (rados.Error, rbd.Error) as exc:
        return Outcome(refused='cannot end what was begun (%s)' % _text(exc))


@contextlib.contextmanager
def _connected(place: places.Place) -> Iterator[Any]:
    what = 'connect as client.%s%s' % (
        place.user, '' if place.user else ' (rbd_store_user is not set)')
    # As the stock driver does, which makes a text of what is not set, too.
    cluster = _step(what, rados.Rados, conffile=str(place.ceph_conf),
                    rados_id=str(place.user))
    try:
        clusters.limit(cluster)
        _step(what, cluster.connect)
        yield cluster
    finally:
        cluster.shutdown()


def _in_pool(cluster: Any, ioctx: Any, name: str) -> Outcome:
    try:
        _step('create an image', _create, cluster, ioctx, name)
    except _Refused as exc:
        # One that Ceph was too late with may be there all the same.
        late = not isinstance(exc.__cause__, rbd.PermissionError)
        return Outcome(str(exc), left=name if late and not _removed(
            ioctx, name) else None)
    refused = unseen = left = None
    try:
        unseen = _use(ioctx, name)
        _step('remove the image', rbd.RBD().remove, ioctx, name)
    except _Refused as exc:
        refused = str(exc)
    finally:
        # Also when it is interrupted.
        if not _removed(ioctx, name):
            left = name
    return Outcome(refused, unseen, left)


def _create(cluster: Any, ioctx: Any, name: str) -> None:
    # With the features that the stock driver gives.
    features = int(cluster.conf_get('rbd_default_features') or 0)
    rbd.RBD().create(ioctx, name, _SIZE, old_format=False,
                     features=features or rbd.RBD_FEATURE_LAYERING)


def _use(ioctx: Any, name: str) -> str | None:
    """Do with an image what Glance does, and return Outcome.unseen."""
    with _step('open the image', rbd.Image, ioctx, name) as image:
        _step('resize the image', image.resize, 2 * _SIZE)
        _step('write', image.write, b'\1' * _SIZE, 0)
        _step('make a snapshot', image.create_snap, _SNAPSHOT)
        _step('protect the snapshot', image.protect_snap, _SNAPSHOT)
        _step('read', image.read, 0, _SIZE)
        unseen = _look(ioctx, name)
        _step('unprotect the snapshot', image.unprotect_snap, _SNAPSHOT)
        _step('remove the snapshot', image.remove_snap, _SNAPSHOT)
    return unseen


def _look(ioctx: Any, name: str) -> str | None:
    try:
        seen = look.look(ioctx, name)
    except Exception as exc:
        return _text(exc)
    if seen is None or seen.existing is None:
        return 'its objects cannot be seen'
    return None


def _removed(ioctx: Any, name: str) -> bool:
    """Take away what is left, and tell whether nothing is."""
    try:
        with rbd.Image(ioctx, name) as image:
            for snapshot in list(image.list_snaps()):
                if image.is_protected_snap(snapshot['name']):
                    image.unprotect_snap(snapshot['name'])
                image.remove_snap(snapshot['name'])
        rbd.RBD().remove(ioctx, name)
    except rbd.ImageNotFound:
        return True
    except Exception:
        return False
    return True


def _step(what: str, function: Callable[..., Any], *args: Any,
          **kwargs: Any) -> Any:
    try:
        return function(*args, **kwargs)
    except Exception as exc:
        raise _Refused('cannot %s (%s)' % (what, _text(exc))) from exc


def _text(exc: Exception) -> str:
    return '%s: %s' % (type(exc).__name__, exc)
