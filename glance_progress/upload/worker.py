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

"""Does what is to be done for an image: make it, skip it, or refuse."""

from __future__ import annotations

import logging
from typing import Any

from keystoneauth1 import exceptions

from glance_progress.upload import cloud
from glance_progress.upload import comparison
from glance_progress.upload import item
from glance_progress.upload import maker
from glance_progress.upload import patience
from glance_progress.upload import reading
from glance_progress.upload import sources
from glance_progress.upload import tasks
from glance_progress.upload import wanted

LOG = logging.getLogger(__name__)


#: What may be wrong with an image, and with nothing else.
FAULTS = (item.Wrong, sources.Unreadable, exceptions.ClientException)


class Worker:
    """Works on tasks; several threads use it at once.

    :param makes: makes the images; None where none is to be made
    """

    def __init__(
        self, images: cloud.Images, wishes: wanted.Wishes,
        patient: patience.Patience, makes: maker.Maker | None = None,
    ) -> None:
        self._images = images
        self._wishes = wishes
        self._patient = patient
        self._maker = makes

    def work(self, task: tasks.Task) -> None:
        """Do what is to be done, and say in *task* what has come of it.

        :raises reading.Interrupted: when the user has had enough
        """
        try:
            self._work(task)
        except reading.Interrupted:
            raise
        except FAULTS as exc:
            task.end(tasks.FAILED, cloud.words(exc))
        except Exception as exc:
            LOG.debug('A fault of ours.', exc_info=True)
            task.end(tasks.FAILED, '%s: %s' % (type(exc).__name__, exc))

    def _work(self, task: tasks.Task) -> None:
        verdict = self.judge(task)
        if verdict.action == comparison.REFUSE:
            task.end(tasks.REFUSED, verdict.why)
        elif verdict.action == comparison.SKIP:
            self._skip(task, verdict)
        else:
            assert self._maker is not None
            self._maker.make(task)
            self._rename(verdict.old)
            task.end(tasks.UPLOADED)

    def judge(self, task: tasks.Task) -> comparison.Verdict:
        """Return what is to be done for a task.

        :raises item.Wrong: when nothing can be done
        """
        task.state = tasks.COMPARING
        image = task.item
        if image.wrong is not None:
            raise item.Wrong(image.wrong)
        for name, part in task.parts:
            if part.state not in (*tasks.GOOD, tasks.WAITING):
                raise item.Wrong('%s is %s, which was to be its %s' % (
                    part.item.name, part.state, name))
        if isinstance(image.source, sources.Url) and (
                not self._wishes.fetched_by_cloud(image)):
            image.source.open()
        there = self._patient.ask(
            lambda: self._images.named(image.name, self._wishes.owner))
        verdict = comparison.judge(
            image, there, self._wishes.update_existing)
        if (task.after is not None and verdict.old
                and task.after.image_id in [each['id'] for each in there]):
            return comparison.Verdict(
                comparison.REFUSE, 'another image of this name, with other '
                'data, has just been uploaded')
        return verdict

    def _skip(self, task: tasks.Task, verdict: comparison.Verdict) -> None:
        image = verdict.image
        assert image is not None
        task.image_id, task.status = image['id'], image['status']
        task.verified, task.verified_by = (
            verdict.verified, verdict.verified_by)
        loose = [(name, part.image_id) for name, part in task.parts
                 if image.get(name) != part.image_id]
        if loose and not self._wishes.update_existing:
            task.end(tasks.REFUSED, verdict.why + ', but %s is not %s; '
                     '--update-existing changes that' % loose[0])
            return
        if loose:
            changes = [
                {'op': 'add', 'path': '/' + name, 'value': value}
                for name, value in loose]
            self._patient.ask(
                lambda: self._images.change(image['id'], changes))
        self._rename(verdict.old)
        task.end(tasks.SKIPPED, verdict.why)

    def _rename(self, old: tuple[dict[str, Any], ...]) -> None:
        for image in old:
            name = comparison.old_name(image)
            LOG.info('Image %s is renamed to %s', image['id'], name)
            self._patient.ask(lambda: self._images.change(image['id'], [
                {'op': 'replace', 'path': '/name', 'value': name}]))
