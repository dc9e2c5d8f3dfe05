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

"""Counts the failures that the Image API tells of, each of them once."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
import threading
from typing import Any

from prometheus_client import core

from glance_progress.metrics import reasons

# So many images are remembered by when they have failed.
_REMEMBERED = 10000


class Failures:
    """Counts failures since a moment.

    The list that they come from says of each image when it has failed last,
    for as long as memcached keeps that: the same failure comes again and
    again, and may be missing meanwhile.

    :param since: the moment, in seconds since the epoch
    """

    def __init__(self, since: float) -> None:
        self._since = since
        self._seen: dict[str, float] = {}
        self._counts = dict.fromkeys(reasons.KINDS, 0)
        self._lock = threading.Lock()

    def take(self, images: Iterable[Mapping[str, Any]]) -> None:
        """Count what has failed of *images*, objects of the API.

        Those of which Glance's database alone knows have no time, and do not
        count: there is no telling whether they are new.
        """
        with self._lock:
            for image in images:
                last = image['last_failure']
                if last is not None:
                    self._take(image['image_id'], last)
            self._forget()

    def _take(self, image_id: str, last: Mapping[str, Any]) -> None:
        failed_at = last['updated_at']
        if failed_at > self._seen.get(image_id, self._since):
            self._seen[image_id] = failed_at
            self._counts[reasons.kind(last['failure'])] += 1

    def _forget(self) -> None:
        """Keep to the newest, and count nothing that is older than these."""
        for image_id, failed_at in sorted(
                self._seen.items(), key=lambda each: each[1])[:-_REMEMBERED]:
            del self._seen[image_id]
            self._since = failed_at

    def families(self) -> Iterator[core.Metric]:
        """Yield what was counted, by reason."""
        counted = core.CounterMetricFamily(
            'glance_progress_failures',
            'Images whose data have failed to arrive, as far as memcached '
            'tells, since the exporter started.', labels=['reason'])
        with self._lock:
            for reason, count in self._counts.items():
                counted.add_metric([reason], count)
        yield counted
