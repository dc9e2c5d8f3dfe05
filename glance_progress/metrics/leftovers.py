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

"""Metrics of what was left behind, of one run of the command that finds it.

That takes two looks, 90 s apart, on a host of glance-api. So it is no scrape
that asks for it: a run of cron writes a file for node_exporter.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
import dataclasses

import prometheus_client
from prometheus_client import core


@dataclasses.dataclass(frozen=True, eq=False)
class Findings:
    """What a run has found, and not taken away.

    :param counts: number of findings by kind and state
    :param sizes: bytes of them, likewise
    :param looked_at: seconds since the epoch
    """

    counts: Mapping[str, Mapping[str, int]]
    sizes: Mapping[str, Mapping[str, int]]
    looked_at: float

    def collect(self) -> Iterator[core.Metric]:
        """Yield all families of metrics."""
        yield _of_each(
            'glance_progress_leftovers',
            'What uploads, imports and copies have left behind.', self.counts)
        yield _of_each(
            'glance_progress_leftovers_bytes',
            'Bytes of what was left behind.', self.sizes)
        yield core.GaugeMetricFamily(
            'glance_progress_leftovers_last_look_timestamp_seconds',
            'When glance-progress leftovers has looked last.',
            value=self.looked_at)


def write(path: str, found: Findings) -> None:
    """Write a file for node_exporter's textfile collector, as a whole.

    :raises OSError: when it cannot be written
    """
    registry = prometheus_client.CollectorRegistry()
    registry.register(found)
    prometheus_client.write_to_textfile(path, registry)


def _of_each(
    name: str, documentation: str, values: Mapping[str, Mapping[str, int]]
) -> core.Metric:
    family = core.GaugeMetricFamily(
        name, documentation, labels=['kind', 'state'])
    for kind, states in values.items():
        for state, value in states.items():
            family.add_metric([kind, state], value)
    return family
