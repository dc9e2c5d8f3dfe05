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

"""Whether Ceph lets Glance do what uploads, deletions and looks take."""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import signal
import sys
from typing import Any

from glance_progress.ceph import bindings
from glance_progress.ceph import places
from glance_progress.ceph import trial
from glance_progress.cli import outcome
from glance_progress.cmd.checks import subject
from glance_progress.cmd.checks import verdict
from glance_progress.driver import register

NAME = 'Stores in Ceph'


def check(about: subject.Subject) -> Any:
    """Store a tiny image in each pool, look at it, and delete it."""
    conf = about.conf
    where = places.of(conf)
    found = []
    if not register.shows_progress(conf):
        found.append((verdict.WARNING,
                      'No upload shows progress: no store is of type rbd, but '
                      'those in [glance_progress] stock_stores.'))
    if about.offline:
        return verdict.worst(found, subject.OFFLINE)
    if where and bindings.missing() is not None:
        return verdict.worst(found, 'Not checked without the bindings.')
    with _ending_in_order():
        for place in where:
            found += _problems(place)
    return verdict.worst(found, _well(where))


@contextlib.contextmanager
def _ending_in_order() -> Iterator[None]:
    """Have what was begun in Ceph taken away, also by who is told to end."""
    before = signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(outcome.UNUSABLE))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _well(where: list[places.Place]) -> str:
    return 'An image can be stored, seen and deleted in %s.' % ', '.join(
        'pool %s of store %s' % (place.pool, place.store) for place in where)


def _problems(place: places.Place) -> Iterator[tuple[Any, str]]:
    came = trial.run(place)
    if came.refused is not None:
        yield (verdict.FAILURE, 'Store %s, pool %s: %s.' % (
            place.store, place.pool, came.refused))
    if came.unseen is not None:
        yield (verdict.WARNING,
               'Store %s, pool %s: how far a snapshot of a server is cannot '
               'be seen (%s).' % (place.store, place.pool, came.unseen))
    if came.left is not None:
        yield (verdict.WARNING,
               'The trial could not remove its RBD image; where it is there, '
               'say: rbd snap unprotect %(image)s@snap; rbd snap purge '
               '%(image)s; rbd rm %(image)s'
               % {'image': '%s/%s' % (place.pool, came.left)})
