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

"""What there is to say of the exporter itself, and of what it depends on."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from prometheus_client import core

from glance_progress.metrics import poll


def of_polls(
    transit: poll.Poll[Any], polls: Mapping[str, poll.Poll[Any]]
) -> Iterator[core.Metric]:
    """Yield how the Image API answers.

    :param transit: that without which nothing is known
    :param polls: all, by what is asked
    """
    if transit.seconds is not None:  # else it was not asked yet
        yield core.GaugeMetricFamily(
            'glance_progress_up',
            'Whether the Image API has told what is in transit when it was '
            'asked last.', value=transit.answer is not None)
    yield _of_each(
        'glance_progress_last_success_timestamp_seconds',
        'When the Image API has answered last.',
        {name: each.succeeded_at for name, each in polls.items()})
    yield _of_each(
        'glance_progress_asking_duration_seconds',
        'Time that the Image API took when it was asked last.',
        {name: each.seconds for name, each in polls.items()})
    errors = core.CounterMetricFamily(
        'glance_progress_api_errors',
        'How often the Image API has not told what it was asked.',
        labels=['asked', 'error'])
    for name, each in polls.items():
        for error, count in each.errors.items():
            errors.add_metric([name, error], count)
    yield errors
    yield core.InfoMetricFamily(
        'glance_progress_exporter_build', 'The version of the exporter.',
        value={'version': metadata.version('glance-progress')})


def _of_each(
    name: str, documentation: str, values: Mapping[str, float | None]
) -> core.Metric:
    family = core.GaugeMetricFamily(name, documentation, labels=['asked'])
    for asked, value in values.items():
        if value is not None:
            family.add_metric([asked], value)
    return family


def of_memcached(told: Mapping[str, int] | None) -> Iterator[core.Metric]:
    """Yield how memcached is, as glance-api sees it.

    :param told: what it has told; None when that is nothing
    """
    if told is not None:
        yield core.GaugeMetricFamily(
            'glance_progress_memcached_servers',
            'Servers of memcached that glance-api is configured with.',
            value=told['servers'])
        yield core.GaugeMetricFamily(
            'glance_progress_memcached_servers_answering',
            'Servers of memcached that answer glance-api.',
            value=told['answering'])
