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

"""Looks at how far images are by the cloud's word, as often as it asks to."""

from __future__ import annotations

from collections.abc import Sequence
import logging
import threading
import time

from keystoneauth1 import exceptions

from glance_progress import client
from glance_progress.upload import tasks

LOG = logging.getLogger(__name__)

# Seconds between two looks at an image, and at the list of images.
_INTERVAL = 1.0
_TICK = 0.1


class Follower:
    """A thread that looks, and puts what it sees to the tasks.

    :ivar blind: whether this cloud does not tell what its stores have taken
    """

    def __init__(
        self, api: client.Api, followed: Sequence[tasks.Task]
    ) -> None:
        self._api = api
        self._followed = followed
        self._due: dict[str, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name='glance-progress-follower', daemon=True)
        self.blind = False

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()

    def _run(self) -> None:
        while not self.blind and not self._ended.wait(_TICK):
            for task in self._followed:
                if task.state == tasks.SENDING and task.image_id is not None:
                    self._look(task, task.image_id)

    def _look(self, task: tasks.Task, image_id: str) -> None:
        now = time.monotonic()
        if self._due.get(image_id, 0) > now or self._ended.is_set():
            return
        try:
            task.snapshot = self._api.show(image_id)
        except client.NoProgressApi:
            self.blind = True
        except (client.ProgressError, exceptions.ClientException) as exc:
            LOG.debug('A look at %s has failed: %s', image_id, exc)
        self._due[image_id] = time.monotonic() + max(
            _INTERVAL, self._api.retry_after)
