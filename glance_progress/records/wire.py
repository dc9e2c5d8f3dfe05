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

"""What is known of one upload of one image to one store."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
import datetime
import hashlib
import hmac
import json
from typing import Any
from urllib import parse

VERSION = 1

#: No record is longer, and nothing longer is taken for one; bytes.
MAX_SIZE = 4096

UPLOADING = 'uploading'
FINISHED = 'finished'
FAILED = 'failed'
STATES = (UPLOADING, FINISHED, FAILED)

#: Where Glance keeps what is to be imported.
STAGING_STORE = 'os_glance_staging_store'

#: The place of what was seen by looking at Ceph itself; ``found_in`` says in
#: which store. A place of its own keeps the record of a failed upload, and is
#: unknown to readers of before.
LOOKED = 'os_glance_looked'

#: The place of what tells how much of an image Glance has read back.
HASHED = 'os_glance_hashed'

#: The place of what tells that Glance has begun an upload, which a store may
#: have yet to learn of.
BEGUN = 'os_glance_begun'

# Phases of a snapshot that Nova makes in Ceph: there is no RBD image yet; the
# disk is being copied; Glance is yet to be told where it is.
PREPARING = 'preparing'
FLATTENING = 'flattening'
REGISTERING = 'registering'

# Phases of an import, in the staging area: data come there, and Glance's
# plugins and the check of a signature read them.
STAGING = 'staging'
DECOMPRESSING = 'decompressing'
CONVERTING = 'converting'
VERIFYING = 'verifying'

#: Places of records that are of no store.
PLACES = (STAGING_STORE, LOOKED, HASHED, BEGUN)

# memcached takes keys of 250 bytes (its doc/protocol.txt, "Keys"); the fixed
# parts of ours are 17 bytes and an image's id is a UUID of 36.
_MAX_KEY_PART = 96

#: Seconds of an upload that its rate is taken over, and for which that rate is
#: news.
RATE_WINDOW = 10.0

#: Seconds after which a failure is not of the attempt that somebody begins to
#: watch.
OLD = 60

# What JavaScript holds exactly ends here, and no image is of 8 PiB.
_MAX_NUMBER = 2 ** 53

# Fields that few records have a use for travel only where they are set.
_RARE = ('phase', 'found_in', 'measured_by', 'position', 'pace', 'worker',
         'bytes_received')

# What a reader knows of a record, besides its fields.
_READERS = ('skew', 'moved')

#: Sequences are in nanoseconds, and are shown in microseconds.
SEQUENCES_SHOWN = 1000


class InvalidRecord(ValueError):
    """What was read is no record that this version understands."""


def _key_part(text: str) -> str:
    """Return *text* if memcached takes it in a key, else a name for it."""
    # A name from a command line may be no valid text; it still has a key.
    quoted = parse.quote(text, safe='-_.~+@', errors='surrogatepass')
    if len(quoted) <= _MAX_KEY_PART:
        return quoted
    return 'sha256-' + hashlib.sha256(quoted.encode()).hexdigest()


def key(image_id: str, store: str) -> str:
    """Return the memcached key of the record of *image_id* in *store*."""
    return 'glance_progress:%s:%s' % (_key_part(image_id), _key_part(store))


@dataclasses.dataclass(frozen=True)
class Record:
    """The progress of one upload, as of ``updated_at``.

    Sizes are in bytes, times in seconds since the epoch by the clock of
    ``host``, the writer. ``sequence`` orders the attempts to upload an image:
    it is the time of the attempt's start in nanoseconds, and more where the
    writer's clock was behind that of an attempt before
    (:class:`glance_progress.records.publisher.Publisher`). ``total_bytes`` is
    None while the size is not known. ``rate`` is in bytes a second, over the
    last RATE_WINDOW seconds. ``failure`` is for tenants to read: no names of
    the infrastructure. ``left_in`` is the status in which Glance has left the
    image for good after the failure; None where it is as it should be.
    ``bytes_received`` is what has come from the sender, where that is more
    than what is written.

    What was seen by looking at Ceph says more: the ``phase``, the store that
    it was ``found_in``, and what the bytes are ``measured_by``. Where the
    total is not known, ``position`` is the part of the way that is behind,
    from 0 to 1, and ``pace`` the part that it advances in a second. The same
    holds for what an import does in the staging area.

    ``worker`` is the process that writes, as
    :func:`glance_progress.process.identity` has it.

    ``skew`` is what a reader adds to the writer's clock to get its own, and
    ``moved`` whether it has seen the record move, without which the skew is a
    guess. They do not travel.
    """

    image_id: str
    store: str
    state: str
    bytes_written: int
    total_bytes: int | None
    started_at: float
    updated_at: float
    sequence: int
    request_id: str | None = None
    host: str | None = None
    failure: str | None = None
    rate: float | None = None
    left_in: str | None = None
    phase: str | None = None
    found_in: str | None = None
    measured_by: str | None = None
    position: float | None = None
    pace: float | None = None
    worker: str | None = None
    bytes_received: int | None = None
    skew: float = dataclasses.field(default=0.0, compare=False, repr=False)
    moved: bool = dataclasses.field(default=False, compare=False, repr=False)

    @property
    def key(self) -> str:
        return key(self.image_id, self.store)

    @property
    def order(self) -> tuple[int, float]:
        """Of two records of one key, the one that orders higher is newer."""
        return self.sequence, self.updated_at

    def to_json(self, secrets: Sequence[str] = ()) -> bytes:
        """Return the record as memcached holds it, at most MAX_SIZE bytes.

        :param secrets: the first one signs it
        """
        fields = {'version': VERSION, **dataclasses.asdict(self)}
        for name in _READERS:
            del fields[name]
        for name in _RARE:
            if fields[name] is None:
                del fields[name]
        if secrets:
            fields['hmac'] = _hmac(fields, secrets[0])
        value = json.dumps(fields, separators=(',', ':')).encode()
        if len(value) > MAX_SIZE:
            raise InvalidRecord('a record of %d bytes' % len(value))
        return value

    @classmethod
    def from_json(
        cls, value: bytes, secrets: Sequence[str] = ()
    ) -> Record:
        """Return the record that *value*, which nobody vouches for, holds.

        :param secrets: one of them must have signed it, unless there are none
        :raises InvalidRecord: when it holds none
        """
        if len(value) > MAX_SIZE:
            raise InvalidRecord('%d bytes are no record' % len(value))
        try:
            fields = json.loads(value)
        except (ValueError, RecursionError) as exc:
            raise InvalidRecord('no JSON: %s' % exc) from exc
        if not isinstance(fields, dict):
            raise InvalidRecord('no JSON object')
        if secrets:
            _verify(fields, secrets)
        version = fields.pop('version', None)
        if type(version) is not int or version != VERSION:
            raise InvalidRecord('of another version than %d' % VERSION)
        known = {f.name for f in dataclasses.fields(cls)} - {*_READERS}
        try:
            record = cls(**{k: v for k, v in fields.items() if k in known})
        except TypeError as exc:
            raise InvalidRecord(str(exc)) from exc
        record._validate()
        return record

    def _validate(self) -> None:
        for name in ('image_id', 'store'):
            if not isinstance(getattr(self, name), str):
                raise InvalidRecord('%s is no text' % name)
        for name in ('request_id', 'host', 'failure', 'left_in', 'phase',
                     'found_in', 'measured_by', 'worker'):
            if not isinstance(getattr(self, name), (str, type(None))):
                raise InvalidRecord('%s is no text' % name)
        if self.state not in STATES:
            raise InvalidRecord('state %r' % (self.state,))
        _validate_number('bytes_written', self.bytes_written, int)
        _validate_number(
            'sequence', self.sequence, int, end=_MAX_NUMBER * SEQUENCES_SHOWN)
        for name in ('started_at', 'updated_at'):
            _validate_number(name, getattr(self, name), int, float)
        for name in ('rate', 'pace'):
            if getattr(self, name) is not None:
                _validate_number(name, getattr(self, name), int, float)
        if self.position is not None:
            _validate_number('position', self.position, int, float)
            if self.position > 1:
                raise InvalidRecord('a position behind the end')
        if self.bytes_received is not None:
            _validate_number('bytes_received', self.bytes_received, int)
        if self.total_bytes is not None:
            _validate_number('total_bytes', self.total_bytes, int)
            if self.bytes_written > self.total_bytes:
                raise InvalidRecord('more written than there is')

    # What readers derive. *now* is the reader's clock, in seconds.

    @property
    def percent(self) -> float | None:
        """Percent written, one decimal; 100 only when the store has finished.

        None when neither the total nor the position is known.
        """
        if self.state == FINISHED:
            return 100.0
        if self.total_bytes is None:
            if self.position is None:
                return None
            tenths = int(1000 * self.position)
        elif not self.total_bytes:
            return 0.0
        else:
            tenths = 1000 * self.bytes_written // self.total_bytes
        return min(tenths, 999) / 10

    def bytes_per_second(self, now: float) -> float | None:
        """The rate of the last seconds; of the whole, once it has ended.

        None when no time has passed, and when there is no news.
        """
        if self.state == UPLOADING:
            if self.age(now) > RATE_WINDOW:
                return None
            if self.rate is not None:
                return self.rate or None  # bytes have come, and wait
        seconds = self.updated_at - self.started_at
        # Writers round to milliseconds; less would make the rate infinite.
        return self.bytes_written / seconds if seconds >= 0.0005 else None

    def age(self, now: float) -> float:
        """Seconds since the record moved; never negative."""
        return max(0.0, now - self.updated_at - self.skew)

    def stalled(self, now: float, stalled_after: float) -> bool:
        return (self.state == UPLOADING
                and self.age(now) > stalled_after)

    def eta(self, now: float, stalled_after: float) -> float | None:
        """Seconds until the end at the present rate, more than 0.

        None when nobody can tell, as when they should be over.
        """
        if self.state != UPLOADING or self.stalled(now, stalled_after):
            return None
        rate = self.bytes_per_second(now)
        if self.total_bytes is not None and rate:
            left = (self.total_bytes - self.bytes_written) / rate
        elif (self.total_bytes is None and self.position is not None
                and self.pace and self.age(now) <= RATE_WINDOW):
            left = (1 - self.position) / self.pace
        else:
            return None
        left -= self.age(now)
        return left if left >= 0.001 else None

    def describe(self, now: float, stalled_after: float) -> dict[str, Any]:
        """Return all fields and what is derived of them, ready for JSON."""
        fields = dataclasses.asdict(self)
        for name in (*_READERS, 'rate', 'left_in', 'phase', 'found_in',
                     'position', 'pace', 'worker'):
            del fields[name]
        return {
            **fields,
            'started_at_iso': iso(self.started_at),
            'updated_at_iso': iso(self.updated_at),
            'percent': self.percent,
            'bytes_per_second': _rounded(self.bytes_per_second(now)),
            'eta': _rounded(self.eta(now, stalled_after)),
            'age': _rounded(self.age(now)),
            'stalled': self.stalled(now, stalled_after),
        }


def iso(seconds: float) -> str | None:
    """Return a time as the Image API writes it, None for none it can write."""
    try:
        moment = datetime.datetime.fromtimestamp(
            seconds, datetime.timezone.utc)
    except (OSError, OverflowError, ValueError):
        return None
    return moment.strftime('%Y-%m-%dT%H:%M:%SZ')


def _hmac(fields: dict[str, Any], secret: str) -> str:
    text = json.dumps(fields, separators=(',', ':'), sort_keys=True)
    return hmac.new(secret.encode(), text.encode(), 'sha256').hexdigest()


def _verify(fields: dict[str, Any], secrets: Sequence[str]) -> None:
    found = fields.pop('hmac', None)
    if not isinstance(found, str):
        raise InvalidRecord('it is not signed')
    if not any(hmac.compare_digest(
            found.encode(), _hmac(fields, secret).encode())
            for secret in secrets):
        raise InvalidRecord('it is signed with none of our secrets')


def announced_size(size: int | None) -> int | None:
    """Return the size that a client has announced, None where it is none."""
    return size if size and 0 < size < _MAX_NUMBER else None


def legacy_values(record: Record) -> dict[str, bytes]:
    """Return the two keys that older dashboards read, and their values.

    With an unknown total they say 0 of 1 until the end, and an empty image is
    1 of 1, so that dividing one by the other is never an error. What is being
    staged has none, since its bytes are yet to go to the store. Of several
    stores that are written at once, they are those of the last that moved.
    """
    if record.store in PLACES:
        return {}
    image_id = _key_part(record.image_id)
    total, written = record.total_bytes, record.bytes_written
    if total is None:
        total, written = 1, 0
    elif record.state == FINISHED:
        total = written = max(total, 1)
    return {
        image_id + '_total_size': b'%d' % max(total, 1),
        image_id + '_uploading_size': b'%d' % written,
    }


def _validate_number(
    name: str, value: Any, *types: type, end: int = _MAX_NUMBER
) -> None:
    # Not isinstance, since True is an int to it. NaN is in no range.
    if type(value) not in types or not 0 <= value < end:
        raise InvalidRecord('%s is no number: %.40r' % (name, value))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
