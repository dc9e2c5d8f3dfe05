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

"""Puts together what a scrape has, from what the Image API was asked."""

from __future__ import annotations

from collections.abc import Iterator
import time
from typing import Any

from keystoneauth1 import adapter
from prometheus_client import core

from glance_progress.metrics import asking
from glance_progress.metrics import failures
from glance_progress.metrics import health
from glance_progress.metrics import poll
from glance_progress.metrics import transit

# So much more seldom are failures asked for: that list is read from all images
# that have changed in a day.
_FAILURES_EVERY = 6


class Collector:
    """A collector of prometheus_client's, of one Image API.

    While that does not answer, there is nothing about images: what was is no
    longer true.

    :param api: what asks the Image API
    :param interval: seconds between two askings for what is in transit
    :param per_image: of how many images there are metrics of their own
    """

    def __init__(
        self, api: adapter.Adapter, interval: float, per_image: int = 0
    ) -> None:
        self._failures = failures.Failures(time.time())
        self._families = transit.Families(per_image)
        self._api = api
        self._transit = poll.Poll(lambda: asking.transit(api), interval)
        self._polls: dict[str, poll.Poll[Any]] = {
            'transit': self._transit,
            'failures': poll.Poll(
                self._count_failures, _FAILURES_EVERY * interval)}

    def start(self) -> None:
        """Ask from now on, to the end of the process."""
        for each in self._polls.values():
            each.start()

    def _count_failures(self) -> None:
        self._failures.take(asking.failed(self._api))

    def collect(self) -> Iterator[core.Metric]:
        """Yield all families of metrics, as they are now."""
        yield from health.of_polls(self._transit, self._polls)
        answer = self._transit.answer
        if answer is not None:
            yield from health.of_memcached(answer.memcached)
            yield from self._families.of(answer.images, time.time())
        yield from self._failures.families()
