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

"""A run: what is wanted, what came of it, and nothing left behind."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
import logging
import threading

from glance_progress import client
from glance_progress.upload import cleanup
from glance_progress.upload import cloud
from glance_progress.upload import comparison
from glance_progress.upload import delivery
from glance_progress.upload import follower
from glance_progress.upload import item
from glance_progress.upload import journal
from glance_progress.upload import maker
from glance_progress.upload import patience
from glance_progress.upload import pool
from glance_progress.upload import tasks
from glance_progress.upload import thinness
from glance_progress.upload import wanted
from glance_progress.upload import worker

LOG = logging.getLogger(__name__)

# Seconds between two times that what is seen is shown.
_SHOW = 0.25

# Seconds in which threads notice that they are to end, unless they wait for a
# server.
_GRACE = 3.0


class Run:
    """Uploads images.

    :param items: what is to be, parts before their wholes
    :ivar tasks: what has come of each
    :ivar clean: whether nothing is left of what was begun and not finished
    """

    def __init__(
        self, session: client.Session, items: Sequence[item.Item],
        wishes: wanted.Wishes,
    ) -> None:
        wishes.apply(items)
        self.tasks = tasks.of(items)
        self.clean = True
        self._wishes = wishes
        self._api = client.Api(session)
        self._images = cloud.Images(self._api)
        self._stopped = threading.Event()
        self._patient = patience.Patience(self._stopped)
        # One that is asked by a thread of its own remembers what it was told.
        self.follower = follower.Follower(client.Api(session), self.tasks)

    def plan(self) -> list[comparison.Verdict | str]:
        """Return what would be done for each task, or why nothing can."""
        work = worker.Worker(self._images, self._wishes, self._patient)
        plans: list[comparison.Verdict | str] = []
        for task in self.tasks:
            try:
                plans.append(work.judge(task))
            except worker.FAULTS as exc:
                task.end(tasks.FAILED, cloud.words(exc))
                plans.append(task.reason)
            else:
                task.state = tasks.WAITING
        return plans

    def upload(self, workers: int, show: Callable[[], None]) -> None:
        """Upload all, and call *show* now and then.

        Whatever ends it, no image is left that this run has begun and not
        finished, as far as Glance lets it be deleted.

        :raises KeyboardInterrupt: when the user has had enough
        :raises keystoneauth1.exceptions.ClientException: when there is
            nothing to be had of this cloud
        """
        if self._wishes.use_import:
            self._check_imports()
        place = '%s %s' % (self._api.base, self._api.project)
        notes = journal.Journal(journal.directory(), place)
        cleanup.after_the_dead(self._images, place)
        stores = thinness.Stores(self._images.store_details())
        makes = maker.Maker(
            self._images, self._wishes, notes, self._patient,
            delivery.Delivery(self._images, self._wishes, self._patient,
                              self._stopped, stores), stores)
        threads = pool.Pool(
            self.tasks, worker.Worker(
                self._images, self._wishes, self._patient, makes).work,
            workers, self._stopped)
        self.clean = False
        try:
            threads.start()
            self.follower.start()
            while not threads.wait(_SHOW):
                show()
            show()
        except KeyboardInterrupt:
            LOG.warning('What is not complete is deleted; to interrupt that '
                        'as well leaves it to the next run')
            raise
        finally:
            self._stopped.set()
            self.follower.stop()
            threads.wait(_GRACE)
            self.clean = cleanup.after(self._images, self.tasks)
            notes.end(self.clean)

    def _check_imports(self) -> None:
        """Refuse what the cloud does not import, before anything is sent."""
        methods = self._images.import_methods()
        for each in self.tasks:
            method = ('web-download'
                      if self._wishes.fetched_by_cloud(each.item)
                      else 'glance-direct')
            if method not in methods and each.item.wrong is None:
                each.item.wrong = (
                    'this cloud has no import by %s' % method)
