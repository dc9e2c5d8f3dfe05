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

"""Feeds what nobody vouches for to a part of the product, many times over.

A case is over when the part has returned. That it has raised, that it took
longer than :data:`HANG` or that the process has grown ends all of it, with the
smallest case that hypothesis finds to do so.
"""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
import gc
import time
from typing import Any

import hypothesis
from hypothesis import strategies as st
import psutil

#: Seconds that no case takes.
HANG = 0.5

#: Bytes by which a process may grow, once it is warm. A thousand cases that
#: each left a kilobyte behind are a megabyte.
GROWTH = 48 * 2 ** 20

# What hypothesis knows of the cases of a batch, it forgets with the batch.
_BATCH = 1000

# Others use the processors, too: only a case that is slow each time hangs.
_TRIES = 3


class Hang(AssertionError):
    """A case has taken too long, however often it was tried."""


class Growth(AssertionError):
    """The process holds more and more."""


@dataclasses.dataclass
class Target:
    """A part of the product, and what it is fed.

    :param cases: makes the cases
    :param feed: is given one; what it raises is a fault of the product
    """

    cases: st.SearchStrategy[Any]
    feed: Callable[[Any], None]


@dataclasses.dataclass
class Outcome:
    """What has come of it.

    :ivar cases: how many there were
    :ivar seconds: that all took
    :ivar slowest: seconds of the slowest case
    :ivar warm: bytes that the process held after a tenth of the cases
    :ivar resident: bytes that it held at the end
    """

    cases: int = 0
    seconds: float = 0
    slowest: float = 0
    warm: int = 0
    resident: int = 0


def feed(target: Target, cases: int, seed: int = 0) -> Outcome:
    """Feed so many cases, the same ones for the same *seed*.

    :raises Hang: naming the time
    :raises Growth: naming the sizes
    """
    outcome = Outcome()
    started = time.perf_counter()
    while outcome.cases < cases:
        _batch(target, min(_BATCH, cases - outcome.cases),
               seed + outcome.cases, outcome)
        if not outcome.warm and outcome.cases >= cases / 10:
            outcome.warm = _resident()
    outcome.seconds = time.perf_counter() - started
    outcome.resident = _resident()
    if outcome.resident - outcome.warm > GROWTH:
        raise Growth('%d MiB have become %d' % (
            outcome.warm >> 20, outcome.resident >> 20))
    return outcome


def _batch(target: Target, cases: int, seed: int, outcome: Outcome) -> None:
    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=cases, database=None, deadline=None,
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(target.cases)
    def fed(case: Any) -> None:
        outcome.cases += 1
        seconds = _seconds(target.feed, case)
        outcome.slowest = max(outcome.slowest, seconds)
        if seconds > HANG:
            raise Hang('%.1f s' % seconds)

    before = outcome.cases
    fed()
    # Where there are not so many different ones.
    outcome.cases = max(outcome.cases, before + 1)


def _seconds(function: Callable[[Any], None], case: Any) -> float:
    """Return the seconds that a case takes, the fewest of several tries."""
    fewest = float('inf')
    for _ in range(_TRIES):
        started = time.perf_counter()
        function(case)
        fewest = min(fewest, time.perf_counter() - started)
        if fewest <= HANG:
            break
    return fewest


def _resident() -> int:
    gc.collect()
    size: int = psutil.Process().memory_info().rss
    return size
