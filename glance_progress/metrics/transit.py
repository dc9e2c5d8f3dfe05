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

"""From images in transit, as the API shows them, to families of metrics."""

from __future__ import annotations

import collections
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from prometheus_client import core

from glance_progress.answer import phases
from glance_progress.answer import reconcile
from glance_progress.records import wire

Image = Mapping[str, Any]
Store = Mapping[str, Any]

# Those that an image in transit may be in. They are told when there is none,
# so that a graph has no gap.
_PHASES = (
    phases.UPLOAD, phases.STAGING, wire.DECOMPRESSING, wire.CONVERTING,
    wire.VERIFYING, phases.STAGED, phases.IMPORT, phases.COPY,
    wire.REGISTERING, phases.HASHING, phases.FAILED, phases.UNKNOWN)


class Families:
    """Makes families of metrics.

    It remembers the stores that it has seen, to tell that nothing goes there.

    :param per_image: of how many images there are metrics of their own
    """

    def __init__(self, per_image: int = 0) -> None:
        self._per_image = per_image
        self._stores: set[str] = set()

    def of(
        self, images: Sequence[Image], now: float
    ) -> Iterator[core.Metric]:
        """Yield what there is to say of all *images* in transit.

        :param now: seconds since the epoch
        """
        self._stores.update(
            store['store'] for image in images for store in _filled(image))
        yield _by_phase(images)
        yield self._uploads(images)
        writing = [store for image in images for store in _written(image)]
        yield self._by_store(
            'glance_progress_upload_bytes_per_second',
            'Bytes that a store has taken a second, over ten seconds.',
            ((each, each['bytes_per_second'] or 0) for each in writing))
        yield self._by_store(
            'glance_progress_stalled_uploads',
            'Uploads of which no byte has come for stalled_after seconds.',
            ((each, each['stalled']) for each in writing))
        yield _oldest(writing, now)
        if self._per_image:
            yield from _of_each(images, self._per_image)

    def _uploads(self, images: Iterable[Image]) -> core.Metric:
        family = core.GaugeMetricFamily(
            'glance_progress_uploads',
            'Images that a store takes, or is to take, by phase of the image.',
            labels=['store', 'phase'])
        counts = collections.Counter(
            (store['store'], image['phase'])
            for image in images for store in _filled(image))
        for labels, count in sorted(counts.items()):
            family.add_metric(labels, count)
        return family

    def _by_store(
        self, name: str, documentation: str,
        values: Iterable[tuple[Store, float]],
    ) -> core.Metric:
        """Return the sums of *values*, of stores."""
        family = core.GaugeMetricFamily(name, documentation, labels=['store'])
        sums = dict.fromkeys(sorted(self._stores), 0.0)
        for store, value in values:
            sums[store['store']] += value
        for name, total in sums.items():
            family.add_metric([name], total)
        return family


def _by_phase(images: Iterable[Image]) -> core.Metric:
    family = core.GaugeMetricFamily(
        'glance_progress_images', 'Images whose data are under way.',
        labels=['phase'])
    counts = collections.Counter(image['phase'] for image in images)
    for phase in (*_PHASES, *sorted(set(counts) - set(_PHASES))):
        family.add_metric([phase], counts[phase])
    return family


def _oldest(writing: Iterable[Store], now: float) -> core.Metric:
    family = core.GaugeMetricFamily(
        'glance_progress_oldest_upload_age_seconds',
        'Time since the oldest upload that goes on has begun.',
        labels=['store'])
    begun: dict[str, float] = {}
    for store in writing:
        name = store['store']
        begun[name] = min(begun.get(name, now), store['started_at'])
    for name, started_at in sorted(begun.items()):
        family.add_metric([name], now - started_at)
    return family


def _of_each(images: Iterable[Image], limit: int) -> Iterator[core.Metric]:
    """Yield metrics of the *limit* oldest uploads."""
    written = core.GaugeMetricFamily(
        'glance_progress_image_written_bytes',
        'Bytes of an image that a store has taken.',
        labels=['image_id', 'store'])
    size = core.GaugeMetricFamily(
        'glance_progress_image_size_bytes',
        'Bytes of an image that a store is to take.',
        labels=['image_id', 'store'])
    begun = sorted(
        (store['started_at'], image['image_id'], store['store'], store)
        for image in images for store in _written(image))
    for _, *labels, store in begun[:limit]:
        written.add_metric(labels, store['bytes_written'])
        if store['total_bytes'] is not None:
            size.add_metric(labels, store['total_bytes'])
    yield written
    yield size


def _filled(image: Image) -> list[Store]:
    """Return the stores of *image* that take it, or are to take it."""
    return [store for store in image['stores']
            if store['state'] in (wire.UPLOADING, reconcile.WAITING)]


def _written(image: Image) -> list[Store]:
    """Return the stores of *image* that have begun to take it."""
    return [store for store in image['stores']
            if store['state'] == wire.UPLOADING]
