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

"""Brings data into the cloud, and waits until they are there."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from keystoneauth1 import exceptions

from glance_progress import client
from glance_progress.upload import cloud
from glance_progress.upload import item
from glance_progress.upload import patience
from glance_progress.upload import reading
from glance_progress.upload import sources
from glance_progress.upload import tasks
from glance_progress.upload import thinness
from glance_progress.upload import wanted

LOG = logging.getLogger(__name__)

#: Times that the data of an image are sent at most.
_ATTEMPTS = 3

# Properties of an image that Glance imports: stores that are yet to get it,
# and have not got it; and its task.
_IMPORTING_TO = 'os_glance_importing_to_stores'
_FAILED_IN = 'os_glance_failed_import'
_LOCK = 'os_glance_import_task'

# Seconds between two looks at what the cloud works on by itself.
_LOOK = 1.0


class Delivery:
    """Sends data; several threads use it at once.

    :param stores: what is known of those that take them
    """

    def __init__(
        self, images: cloud.Images, wishes: wanted.Wishes,
        patient: patience.Patience, stopped: threading.Event,
        stores: thinness.Stores,
    ) -> None:
        self._images = images
        self._wishes = wishes
        self._patient = patient
        self._stopped = stopped
        self._stores = stores

    def deliver(
        self, task: tasks.Task, algorithms: tuple[str, ...]
    ) -> dict[str, Any]:
        """Return the image of a task when all of its data are there.

        :param algorithms: hashes that are wanted of what is sent
        :raises item.Wrong: when they have not come there
        """
        if not self._wishes.fetched_by_cloud(task.item):
            self._send(task, algorithms)
        if self._wishes.use_import:
            self._import(task)
        return self._arrived(task)

    def _send(self, task: tasks.Task, algorithms: tuple[str, ...]) -> None:
        """Send the data, again where the image is still without any."""
        image = task.item
        assert image.source is not None and task.image_id is not None
        for attempt in range(_ATTEMPTS):
            task.body = reading.Reading(
                image.source, algorithms,
                self._stores.chunk_size(image), self._stopped)
            try:
                if self._wishes.use_import:
                    self._images.stage(task.image_id, task.body)
                else:
                    self._images.put(task.image_id, task.body, image.stores)
                return
            except exceptions.ClientException as exc:
                # An attempt that nobody is at the other end of may begin after
                # the next one was sent, or end after it. Then Glance takes the
                # image for one that was deleted meanwhile.
                late = attempt and isinstance(
                    exc, (exceptions.Conflict, exceptions.Gone))
                if not late and not client.passes(exc):
                    raise
                if self._settled(task) != 'queued':
                    if not self._wishes.use_import and (
                            task.status == 'active'):
                        return  # the answer alone was lost
                    raise item.Wrong(self._why(task) or (
                        'it is still %s, and nothing moves: %s' % (
                            task.status, cloud.words(exc)))) from exc
                if attempt + 1 == _ATTEMPTS:
                    raise item.Wrong(
                        self._why(task) or cloud.words(exc)) from exc
                LOG.info('Sending %s again: %s', image.name, exc)

    def _settled(self, task: tasks.Task) -> str | None:
        """Wait until Glance has noticed that an upload has ended.

        :returns: the image's status, which may be ``saving`` all the same
            when nothing has moved for client.PATIENCE
        """
        moved, last = time.monotonic(), None
        while True:
            task.status = str(self._look(task)['status'])
            if task.status not in ('saving', 'uploading'):
                return task.status
            now = task.snapshot and [
                store['bytes_written'] for store in task.snapshot['stores']]
            if now != last:
                moved, last = time.monotonic(), now
            if time.monotonic() - moved > client.PATIENCE:
                return task.status
            self._patient.wait(_LOOK)

    def _look(self, task: tasks.Task) -> dict[str, Any]:
        return dict(self._patient.ask(
            lambda: self._images.get(str(task.image_id))))

    def _import(self, task: tasks.Task) -> None:
        image = task.item
        method = {'name': 'glance-direct'}
        if isinstance(image.source, sources.Url):
            method = {'name': 'web-download', 'uri': image.source.url}
        task.snapshot = None  # it is of what was before
        self._images.import_data(
            str(task.image_id), method, image.stores, self._wishes.all_stores)

    def _arrived(self, task: tasks.Task) -> dict[str, Any]:
        """Wait until all data are where they are to be.

        An import saves the whole image once more after it was seen active, and
        what was changed meanwhile is as it was before. So it is waited for
        until it has given up its lock, or long enough to be dead.

        :returns: the image
        :raises item.Wrong: when they have not come there
        """
        pause = _LOOK / 8
        begun, called = False, time.monotonic()
        arrived: float | None = None
        while True:
            image = self._look(task)
            task.status = image['status']
            if task.status == 'active' and not image.get(_IMPORTING_TO):
                if image.get(_FAILED_IN):
                    raise item.Wrong(self._why(task) or (
                        'the import has failed in ' + image[_FAILED_IN]))
                arrived = arrived or time.monotonic()
                dead = time.monotonic() - arrived > client.PATIENCE
                if dead or not image.get(_LOCK):
                    return image
            waits = (task.status in ('queued', 'uploading')
                     and not image.get(_LOCK))
            begun = begun or not waits
            # The import begins some time after it was called for.
            late = time.monotonic() - called > client.PATIENCE
            if (task.status in ('killed', 'deleted') or _has_failed(task)
                    or waits and (begun or late)):
                raise item.Wrong(self._why(task) or 'the import has failed')
            self._patient.wait(pause)
            pause = min(2 * pause, _LOOK)

    def _why(self, task: tasks.Task) -> str | None:
        """Return why data have not arrived, None where nobody knows."""
        try:
            failure = self._images.progress(str(task.image_id))[
                'last_failure']
            return str(failure['failure']) if failure else None
        except (client.ProgressError, exceptions.ClientException):
            return None


def _has_failed(task: tasks.Task) -> bool:
    """Tell whether the cloud says that an import has failed."""
    return task.snapshot is not None and task.snapshot['phase'] == 'failed'
