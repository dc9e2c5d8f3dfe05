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

"""Reads records from memcached."""

from __future__ import annotations

import collections
from collections.abc import Iterable
from collections.abc import Sequence
import dataclasses
import threading
import time

from oslo_config import cfg
from oslo_log import log as logging

from glance_progress import process
from glance_progress.records import memcached
from glance_progress.records import options
from glance_progress.records import wire
from glance_progress import section
from glance_progress import warning

LOG = logging.getLogger(__name__)

# Records of so many stores are remembered by when they were seen to move.
_REMEMBERED = 10000

# Seconds by which two clocks may differ, and a look be older than it seems.
_TOLERANCE = 2.0


@dataclasses.dataclass
class _Seen:
    """When a record was seen, by our monotonic clock, and its clock's error.

    ``first`` is when it was first seen as it is, ``last`` when last;
    ``before`` are the sequences of attempts that came before its own, and
    ``moved`` says whether it was seen to move, which alone tells the error.
    """

    record: wire.Record
    first: float
    last: float
    skew: float
    before: frozenset[int] = frozenset()
    moved: bool = False


class Reader:
    """Finds the newest record of images in stores.

    Clocks of writers may be wrong. Whoever looks more than once sees when a
    record moves, and sets right by that what the clocks say.

    :param client: where to look
    :param secrets: one of them must have signed a record, unless there are
        none
    """

    def __init__(
        self, client: memcached.Memcached, secrets: Sequence[str] = ()
    ) -> None:
        self._client = client
        self._secrets = secrets
        self._invalid = warning.Seldom()
        self._seen: collections.OrderedDict[str, _Seen] = (
            collections.OrderedDict())
        self._lock = threading.Lock()  # of what was seen

    def read(
        self, image_ids: Iterable[str], stores: Iterable[str]
    ) -> dict[tuple[str, str], wire.Record] | None:
        """Return what is known of each of *image_ids* in each of *stores*.

        One round trip a server, however many are asked for.

        :returns: records by (image id, store); None when no server answered
        """
        stores = list(stores)
        wanted = {wire.key(image_id, store): (image_id, store)
                  for image_id in image_ids for store in stores}
        answers = self._client.get_many(wanted)
        if not answers:
            return None
        found: dict[tuple[str, str], wire.Record] = {}
        for answer in answers:
            for key, value in answer.items():
                place = wanted[key]
                record = self._decode(key, value, place)
                if record is None:
                    continue
                if place not in found or record.order > found[place].order:
                    found[place] = record
        with self._lock:
            return {place: self._timed(record)
                    for place, record in found.items()}

    def _timed(self, record: wire.Record) -> wire.Record:
        """Return *record* with its writer's clock set right, if need be."""
        now, wall = time.monotonic(), time.time()
        seen = self._seen.pop(record.key, None)
        before: frozenset[int] = frozenset()
        if seen is not None:
            if _goes_back(record, seen):
                record = seen.record
            before = seen.before
            if record.sequence != seen.record.sequence:
                before |= {seen.record.sequence}
        if seen is None:
            seen = _Seen(record, now, now, 0.0)
        elif seen.record.order != record.order:
            # It has moved since the last look.
            since, age = now - seen.last, wall - record.updated_at
            skew = 0.0
            if not -_TOLERANCE <= age <= since + _TOLERANCE:
                skew = age
            seen = _Seen(record, now, now, skew, before, moved=True)
        else:
            # It has not: it is at least as old as that.
            age = wall - record.updated_at - seen.skew
            if age < now - seen.first - _TOLERANCE:
                seen.skew = wall - record.updated_at - (now - seen.first)
            seen.record, seen.last = record, now
        self._seen[record.key] = seen
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return dataclasses.replace(
            record, skew=seen.skew, moved=seen.moved)

    def _decode(
        self, key: str, value: bytes, place: tuple[str, str]
    ) -> wire.Record | None:
        try:
            record = wire.Record.from_json(value, self._secrets)
            if (record.image_id, record.store) != place:
                raise wire.InvalidRecord('it is of image %.40r in %.40r' % (
                    record.image_id, record.store))
            return record
        except wire.InvalidRecord as exc:
            if self._invalid.admits('record'):
                LOG.warning('What memcached holds as %s is no progress record '
                            'and is ignored (said once an hour): %s', key, exc)
            return None


def _goes_back(record: wire.Record, seen: _Seen) -> bool:
    """Tell whether *record* is of before what was seen already.

    A memcached server that was cut off comes back with what it held, and the
    one that was written to meanwhile may have gone. Times say nothing: the
    writer's clock may have been set. Steps of an import, which are all of one
    attempt, begin at 0 each.
    """
    newest = seen.record
    if record.sequence != newest.sequence:
        # A lower one that is new is of a writer whose clock is behind, and
        # who could not ask memcached for a higher one.
        return record.sequence in seen.before
    if record.store in wire.PLACES or record.state != wire.UPLOADING:
        return False
    return (newest.state != wire.UPLOADING
            or record.bytes_written < newest.bytes_written)


def from_conf(
    conf: cfg.ConfigOpts, client: memcached.Memcached
) -> Reader:
    """Return a reader by what ``[glance_progress]`` in *conf* says."""
    values = section.of(conf, options.OPTS)
    return Reader(client, values.record_secrets or ())


_reader = process.PerProcess(
    lambda conf: from_conf(conf, memcached.get(conf)))


def get(conf: cfg.ConfigOpts) -> Reader:
    """Return this process's reader, which remembers what others have seen."""
    return _reader.get(conf)


def reset() -> None:
    """Forget the reader, so that the next options count."""
    _reader.reset()
