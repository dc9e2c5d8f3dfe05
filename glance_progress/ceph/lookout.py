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

"""Looks at Ceph for whoever asks how far an image is that Glance awaits.

One thread looks, at one image at a time, and no image more often than once in
an update interval. What it has seen goes to memcached, where others find it,
and a key there keeps their processes from looking meanwhile. Who asks waits
for a moment, and then has what was known before: whatever happens to Ceph
happens to that thread.
"""

from __future__ import annotations

import array
import collections
from collections.abc import Callable
from collections.abc import Sequence
import dataclasses
import math
import threading
import time
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

from glance_progress.ceph import clusters
from glance_progress.ceph import flatten
from glance_progress.ceph import look
from glance_progress.ceph import places
from glance_progress import process
from glance_progress.records import memcached
from glance_progress.records import options
from glance_progress.records import reader
from glance_progress.records import wire
from glance_progress import section
from glance_progress import warning

LOG = logging.getLogger(__name__)

#: Seconds that a request waits for a look.
PATIENCE = 0.5

#: Seconds for which a Ceph that does not answer is left alone.
RETRY_AFTER = 10.0

# Where the objects themselves are asked, so many intervals pass at least, and
# looks take at most one part in so many of the time. A few reads of an object
# map may have to wait in a Ceph that is busy, and are no work for it.
_SELDOM = 10

# Seconds that a look may take before others no longer count on it.
_LOOK_TTL = 60

# Seconds without anybody asking after which the connections are ended.
_IDLE = 60.0

# Images that are remembered, with the objects of their disks: 12,800 numbers
# for one of 100 GiB.
_REMEMBERED = 50

#: Place in memcached of the key that keeps others from looking.
_LOCK = 'os_glance_looking'


@dataclasses.dataclass
class _Image:
    """What this process knows of an image.

    :param due_at: monotonic time before which it is not looked at again
    :param looks: how often it has been attended to
    :param place: where it was found
    :param inherited: objects that its parent gives; None when nobody may know
    :param inherited_of: the look that they were found out after
    """

    flatten: flatten.Flatten
    record: wire.Record | None = None
    due_at: float = 0.0
    looks: int = 0
    place: places.Place | None = None
    inherited: array.array[int] | None = None
    inherited_of: look.Seen | None = None


class Lookout:
    """Finds out how far images are that come to be in Ceph without Glance.

    :param client: of memcached
    :param records: finds what others have seen
    :param where: where images may be
    :param interval: seconds between two looks at an image
    :param record_ttl: seconds for which what was seen is kept
    :param secrets: the first one signs it
    """

    def __init__(
        self,
        client: memcached.Memcached,
        records: reader.Reader,
        where: Sequence[places.Place],
        interval: float,
        record_ttl: int,
        secrets: Sequence[str] = (),
    ) -> None:
        self._client = client
        self._records = records
        self._where = where if look.possible() else ()
        self._interval = interval
        self._record_ttl = record_ttl
        self._secrets = secrets
        self._clusters = clusters.Clusters()
        self._changed = threading.Condition()
        self._images: collections.OrderedDict[str, _Image] = (
            collections.OrderedDict())
        self._asked: dict[str, _Image] = {}
        self._resting: dict[places.Place, float] = {}
        self._thread: threading.Thread | None = None
        self._fault = warning.Hourly(LOG)

    def ask(
        self, image_id: str, before: wire.Record | None = None
    ) -> wire.Record | None:
        """Return what is known of an image, looking at it if that is due.

        :param before: what memcached holds of it
        :returns: after PATIENCE at the latest; None for nothing
        """
        if not self._where or not process.runs_threads():
            return before
        with self._changed:
            image = self._image(image_id)
            if before is not None:
                image.record = before
            if time.monotonic() >= image.due_at and not self._all_resting():
                self._enqueue(image_id, image)
                looks = image.looks
                self._changed.wait_for(
                    lambda: image.looks != looks, PATIENCE)
            return image.record

    def _image(self, image_id: str) -> _Image:
        image = self._images.get(image_id)
        if image is None:
            image = self._images[image_id] = _Image(
                flatten.Flatten(image_id))
        self._images.move_to_end(image_id)
        while len(self._images) > _REMEMBERED:
            self._images.popitem(last=False)
        return image

    def _all_resting(self) -> bool:
        return all(self._rests(place) for place in self._where)

    def _rests(self, place: places.Place) -> bool:
        return time.monotonic() < self._resting.get(place, 0.0)

    def _enqueue(self, image_id: str, image: _Image) -> None:
        self._asked.setdefault(image_id, image)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._run, name='glance-progress-lookout', daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                idle = not self._changed.wait_for(lambda: self._asked, _IDLE)
            if idle:
                _apart(self._clusters.close)
            with self._changed:
                if not self._asked:
                    self._thread = None
                    return
                image_id, image = next(iter(self._asked.items()))
            try:
                self._attend(image_id, image)
            except Exception as exc:
                image.due_at = time.monotonic() + RETRY_AFTER
                self._fault.say('Looking at Ceph failed.', exc=exc)
            with self._changed:
                del self._asked[image_id]
                image.looks += 1
                self._changed.notify_all()

    def _attend(self, image_id: str, image: _Image) -> None:
        """Look at an image, unless somebody else does or has just done."""
        lock = wire.key(image_id, _LOCK)
        if self._client.add(lock, b'1', _LOOK_TTL) is False:
            image.due_at = time.monotonic() + self._interval
            found = self._records.read([image_id], [wire.LOOKED])
            image.record = (found or {}).get(
                (image_id, wire.LOOKED), image.record)
            return
        pause = RETRY_AFTER
        try:
            LOG.debug('Looking at image %s in Ceph.', image_id)
            answered, seen, seconds = _apart(self._see, image_id, image)
            LOG.debug('A look at image %s took %.4f s: %s', image_id, seconds,
                      seen if answered else 'no answer')
            if answered:
                pause = self._pause(seen, seconds)
                _apart(self._inherit, image_id, image, seen)
                self._publish(image, seen)
        finally:
            image.due_at = time.monotonic() + pause
            # Its time is up by as much as a second early.
            self._client.set_many({lock: b'1'}, math.ceil(pause) + 1)

    def _pause(self, seen: look.Seen | None, seconds: float) -> float:
        pause = max(self._interval, seconds)
        return pause if seen is None or seen.quick else _SELDOM * pause

    def _see(
        self, image_id: str, image: _Image
    ) -> tuple[bool, look.Seen | None, float]:
        """Look for an image in all places.

        :returns: whether all have answered, what was seen, and the seconds
            that the looks took, without those of connections
        """
        answered, seconds = True, 0.0
        for place in sorted(self._where, key=lambda each: each != image.place):
            seen = None
            if self._rests(place):
                answered = False
                continue
            try:
                ioctx = self._clusters.ioctx(place)
                before = time.monotonic()
                seen = look.look(ioctx, image_id)
                seconds += time.monotonic() - before
            except Exception as exc:
                answered = False
                self._failed(place, exc)
                continue
            self._answered(place)
            if seen is not None:
                image.place = place
                return True, seen, seconds
        return answered, None, seconds

    def _inherit(
        self, image_id: str, image: _Image, seen: look.Seen | None
    ) -> None:
        """Find out once what there is to be copied."""
        if image.place is None or seen is None or seen.overlap is None:
            return
        known = image.inherited_of
        if known is not None and known.created_at == seen.created_at:
            return
        image.inherited_of, image.inherited = seen, None
        try:
            image.inherited = look.objects_of(
                self._clusters.ioctx(image.place), image_id, seen.object_size)
        except look.Unreadable:
            pass  # as with the rights that Ceph's documentation gives
        except Exception as exc:
            self._failed(image.place, exc)

    def _failed(self, place: places.Place, exc: Exception) -> None:
        first = place not in self._resting
        until = time.monotonic() + RETRY_AFTER
        self._resting[place] = until
        if not look.refused(exc):
            # Others of the same cluster would have to be waited for as well.
            self._resting.update(
                (each, until) for each in self._where
                if each.cluster == place.cluster)
        self._clusters.forget(place)
        if first:
            LOG.warning(
                'Ceph does not answer a look at the pool of store %s (%s: '
                '%s). Snapshots go on; how far they are is not known until it '
                'answers again.', place.store, type(exc).__name__, exc)

    def _answered(self, place: places.Place) -> None:
        if self._resting.pop(place, None) is not None:
            LOG.info('Ceph answers looks at the pool of store %s again.',
                     place.store)

    def _publish(self, image: _Image, seen: look.Seen | None) -> None:
        store = image.place.store if seen and image.place else None
        record = image.flatten.record(
            seen, store, image.inherited, image.record)
        image.record = record
        self._client.set_many(
            {record.key: record.to_json(self._secrets)}, self._record_ttl)


def _apart(function: Callable[..., Any], *args: Any) -> Any:
    """Call what may be held up by Ceph, which must not hold up eventlet."""
    if process.is_green():
        from eventlet import tpool
        return tpool.execute(function, *args)
    return function(*args)


def _from_conf(conf: cfg.ConfigOpts) -> Lookout:
    values = section.of(conf, options.OPTS)
    client = memcached.get(conf)
    return Lookout(
        client, reader.from_conf(conf, client), places.of(conf),
        interval=values.update_interval, record_ttl=values.record_ttl,
        secrets=values.record_secrets or ())


_lookout = process.PerProcess(_from_conf)


def get(conf: cfg.ConfigOpts) -> Lookout:
    """Return this process's lookout."""
    return _lookout.get(conf)


def reset() -> None:
    """Forget the lookout, so that the next options count."""
    _lookout.reset()
