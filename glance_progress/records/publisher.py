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

"""Takes the progress of this process's uploads to memcached.

An upload leaves its newest record here, which costs it a few microseconds,
and goes on. A thread of the publisher's own sends what is newest: everything
in one round trip a server, once in an update interval, and at once where an
upload begins or ends. Whatever happens to memcached happens to that thread.
"""

from __future__ import annotations

import atexit
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
from glance_progress.records import store_names
from glance_progress.records import wire
from glance_progress import section
from glance_progress import warning

LOG = logging.getLogger(__name__)

#: Records kept for memcached while it is away, half a megabyte at the most.
MAX_PENDING = 1000

#: Seconds that the end of the process waits for the last records.
_EXIT_TIMEOUT = 1.0

# By so much an attempt comes after the one before, where clocks say that it
# does not; nanoseconds. Answers tell microseconds.
_NEXT = 1000

_sequence_lock = threading.Lock()
_last_sequence = 0


def next_sequence() -> int:
    """Return the time in nanoseconds; more than what it returned before."""
    global _last_sequence
    with _sequence_lock:
        _last_sequence = max(time.time_ns(), _last_sequence + _NEXT)
        return _last_sequence


class Publisher:
    """Sends the newest record of each upload, from a thread of its own.

    The thread is started by the first record, so after a server's fork; under
    eventlet it is a green one.

    Attempts to upload an image may come from hosts whose clocks differ. Before
    the first record of an attempt is sent, its sequence is raised above those
    that memcached holds of the image, in whichever store (a hybrid logical
    clock).

    :param client: where to
    :param interval: seconds between two publications
    :param record_ttl: seconds for which a record is kept
    :param legacy_ttl: the same for the two old keys; None for no such keys
    :param stores: those in which an image may have records
    :param secrets: the first one signs the records
    """

    def __init__(
        self,
        client: memcached.Memcached,
        interval: float,
        record_ttl: int,
        legacy_ttl: int | None,
        stores: Sequence[str] = (),
        secrets: Sequence[str] = (),
    ) -> None:
        self._stores = stores
        self._secrets = secrets
        # By key, the sequence that an attempt began with and what it became.
        self._placed: collections.OrderedDict[str, tuple[int, int]] = (
            collections.OrderedDict())
        self._client = client
        self._interval = interval
        self._record_ttl = record_ttl
        self._legacy_ttl = legacy_ttl
        self._changed = threading.Condition()
        self._pending: dict[str, wire.Record] = {}
        self._sending: dict[str, wire.Record] = {}
        self._late: set[str] = set()  # keys that could not be sent in time
        # What was sent while a server rested, which may come back with what
        # there was before.
        self._astray: collections.OrderedDict[str, wire.Record] = (
            collections.OrderedDict())
        self._urgent = False
        self._thread: threading.Thread | None = None
        self._refused = False
        self._fault = warning.Hourly(LOG)

    def post(self, record: wire.Record, urgent: bool = False) -> None:
        """Have *record* sent, unless a newer one of its key comes first.

        :param urgent: send it at once and not at the next interval
        """
        with self._changed:
            if not self._has_thread():
                return
            key = record.key
            waiting = self._pending.pop(key, None) or self._sending.get(key)
            if waiting is not None and waiting.order > record.order:
                record = waiting
            self._pending[key] = record
            self._bound()
            if urgent:
                self._urgent = True
            self._changed.notify_all()

    def wait(self, key: str, timeout: float) -> None:
        """Wait until *key* was sent or could not be, *timeout* seconds."""
        with self._changed:
            self._changed.wait_for(
                lambda: key not in self._sending and (
                    key not in self._pending or key in self._late),
                timeout)

    def flush(self, timeout: float) -> bool:
        """Send all that is pending; False when *timeout* seconds are over."""
        with self._changed:
            self._urgent = True
            self._changed.notify_all()
            return self._changed.wait_for(
                lambda: not (self._sending or self._pending), timeout)

    def _has_thread(self) -> bool:
        if self._thread is not None and self._thread.is_alive():
            return True
        if self._refused:
            return False
        if not process.runs_threads():
            self._refused = True
            LOG.error(
                'uwsgi runs without threads, so no upload progress is '
                'published. Start it with enable-threads = true.')
            return False
        self._thread = threading.Thread(
            target=self._run, name='glance-progress-publisher', daemon=True)
        self._thread.start()
        return True

    def _run(self) -> None:
        next_at = 0.0
        while True:
            with self._changed:
                while not self._pending:
                    self._changed.wait(
                        memcached.RETRY_AFTER if self._astray else None)
                    self._send_again()
                self._changed.wait_for(
                    lambda: self._urgent, next_at - time.monotonic())
                self._urgent = False
                self._sending, self._pending = self._pending, {}
            next_at = time.monotonic() + self._interval
            unsent: set[str] = set()
            try:
                unsent = self._send(self._sending)
            except Exception as exc:
                # Ours, since memcached's own failures do not come as
                # exceptions. The next attempt would end like this one.
                self._say(exc)
            with self._changed:
                self._note_astray(unsent)
                self._late.difference_update(self._sending)
                self._late.update(unsent)
                # Newer ones win, and those that waited stay ahead of them.
                self._pending = {
                    **{key: record for key, record in self._sending.items()
                       if key in unsent},
                    **self._pending}
                self._bound()
                self._sending = {}
                self._changed.notify_all()

    def _note_astray(self, unsent: set[str]) -> None:
        """Remember what was sent just now, if a server rests."""
        for key, record in self._sending.items():
            self._astray.pop(key, None)
            if key not in unsent and self._client.resting:
                self._astray[key] = record
        while len(self._astray) > MAX_PENDING:
            self._astray.popitem(last=False)

    def _send_again(self) -> None:
        """Have what a server has missed sent, once none rests any more."""
        if self._astray and not self._client.resting:
            # Late, as they are: none goes over that of a successor.
            self._late.update(self._astray.keys() - self._pending.keys())
            self._pending = {**self._astray, **self._pending}
            self._astray.clear()

    def _send(self, records: dict[str, wire.Record]) -> set[str]:
        """Send *records* and return the keys of those that did not arrive."""
        records = self._without_superseded(self._in_order(records))
        own: dict[str, bytes] = {}
        legacy: dict[str, bytes] = {}
        parts: dict[str, str] = {}
        for key, record in records.items():
            try:
                value = record.to_json(self._secrets)
                values = ({} if self._legacy_ttl is None
                          else wire.legacy_values(record))
            except Exception as exc:
                self._say(exc)  # the others need not suffer
                continue
            own[key] = value
            legacy.update(values)
            parts.update(dict.fromkeys([key, *values], key))
        if self._legacy_ttl == self._record_ttl:
            own.update(legacy)
            legacy = {}
        failed = self._client.set_many(own, self._record_ttl)
        if legacy and self._legacy_ttl is not None:
            failed += self._client.set_many(legacy, self._legacy_ttl)
        return {parts[name] for name in failed}

    def _in_order(
        self, records: dict[str, wire.Record]
    ) -> dict[str, wire.Record]:
        """Return *records* with the sequences that they have for others."""
        begun = {}
        for key, record in records.items():
            if self._placed.get(key, (None,))[0] != record.sequence:
                # What had to wait may have a successor already, above which
                # it must not come.
                self._placed[key] = (record.sequence, record.sequence)
                if key not in self._late:
                    begun[key] = record
            self._placed.move_to_end(key)
        while len(self._placed) > 2 * MAX_PENDING:
            self._placed.popitem(last=False)
        newest = self._newest(begun.values()) if begun else {}
        for key, record in begun.items():
            before = newest.get(record.image_id, -1)
            if before >= record.sequence:
                self._placed[key] = (record.sequence, before + _NEXT)
        return {key: dataclasses.replace(
            record, sequence=self._placed[key][1])
            for key, record in records.items()}

    def _newest(self, records: Iterable[wire.Record]) -> dict[str, int]:
        """Return the highest sequence that memcached holds of each image."""
        keys = {wire.key(record.image_id, store) for record in records
                for store in {record.store, *self._stores}}
        newest: dict[str, int] = {}
        for record in self._stored(keys).values():
            newest[record.image_id] = max(
                record.sequence, newest.get(record.image_id, 0))
        return newest

    def _stored(self, keys: Iterable[str]) -> dict[str, wire.Record]:
        found: dict[str, wire.Record] = {}
        for answer in self._client.get_many(keys):
            for key, value in answer.items():
                try:
                    stored = wire.Record.from_json(value, self._secrets)
                except wire.InvalidRecord:
                    continue
                if key not in found or stored.order > found[key].order:
                    found[key] = stored
        return found

    def _say(self, exc: Exception) -> None:
        self._fault.say('Publishing upload progress failed.', exc=exc)

    def _without_superseded(
        self, records: dict[str, wire.Record]
    ) -> dict[str, wire.Record]:
        # A record that had to wait for memcached may be the end of an attempt
        # whose successor, in another process, has published already.
        late = self._late.intersection(records)
        if not late:
            return records
        stored = self._stored(late)
        return {key: record for key, record in records.items()
                if key not in stored or stored[key].order <= record.order}

    def _bound(self) -> None:
        while len(self._pending) > MAX_PENDING:
            oldest = next(iter(self._pending))
            del self._pending[oldest]
            self._late.discard(oldest)


def _from_conf(conf: cfg.ConfigOpts) -> Publisher:
    values = section.of(conf, options.OPTS)
    return Publisher(
        memcached.get(conf),
        interval=values.update_interval,
        record_ttl=values.record_ttl,
        legacy_ttl=values.legacy_ttl if values.legacy_keys else None,
        stores=store_names.all_of(conf),
        secrets=values.record_secrets or ())


_publisher = process.PerProcess(_from_conf)


def get(conf: cfg.ConfigOpts) -> Publisher:
    """Return this process's publisher."""
    return _publisher.get(conf)


def reset() -> None:
    """Forget the publisher, so that the next options count."""
    _publisher.reset()


def flush(timeout: float) -> bool:
    """Send what is pending; False when *timeout* seconds are over."""
    publisher = _publisher.made()
    return publisher is None or publisher.flush(timeout)


def _flush_at_exit() -> None:
    if not process.is_green():  # where the threads are gone by now
        flush(_EXIT_TIMEOUT)


atexit.register(_flush_at_exit)
