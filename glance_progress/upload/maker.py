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

"""Makes an image: in Glance, with its data, and seen to be the same."""

from __future__ import annotations

import logging
from typing import Any
import uuid

from keystoneauth1 import exceptions

from glance_progress.upload import cloud
from glance_progress.upload import comparison
from glance_progress.upload import delivery
from glance_progress.upload import item
from glance_progress.upload import journal
from glance_progress.upload import marks
from glance_progress.upload import patience
from glance_progress.upload import reading
from glance_progress.upload import tasks
from glance_progress.upload import thinness
from glance_progress.upload import verify
from glance_progress.upload import wanted

LOG = logging.getLogger(__name__)

#: Glance's hash, unless its operator wants another one.
_ALGORITHM = 'sha512'


class Maker:
    """Makes images; several threads use it at once.

    :param notes: where each is noted that is not complete
    :param stores: what is known of those that take the data
    """

    def __init__(
        self, images: cloud.Images, wishes: wanted.Wishes,
        notes: journal.Journal, patient: patience.Patience,
        deliverer: delivery.Delivery, stores: thinness.Stores,
    ) -> None:
        self._images = images
        self._wishes = wishes
        self._journal = notes
        self._patient = patient
        self._delivery = deliverer
        self._stores = stores
        self._algorithm = _ALGORITHM

    def make(self, task: tasks.Task) -> None:
        """Make the image of a task, or leave none.

        :raises item.Wrong: when it cannot be made
        :raises exceptions.ClientException: when Glance refuses
        :raises reading.Interrupted: then it may be there, without its data
        """
        task.image_id = str(uuid.uuid4())
        self._journal.add(task.image_id)
        task.made = True
        try:
            self._create(task)
            task.state = tasks.SENDING
            image = self._delivery.deliver(task, self._algorithms(task))
            task.verified, task.verified_by = verify.verify(
                task, image, self._digest)
            if task.verified is False:
                raise item.Wrong('the %s of the image is not that of the data'
                                 % task.verified_by)
        except reading.Interrupted:
            raise
        except Exception:
            self._abandon(task)
            raise
        task.made = False
        task.saved = self._stores.saved(task)
        self._complete(task, image)

    def _algorithms(self, task: tasks.Task) -> tuple[str, ...]:
        given = (task.item.checksum or '').partition(':')[0]
        return tuple({self._algorithm, given or self._algorithm})

    def _create(self, task: tasks.Task) -> None:
        image = task.item
        values: dict[str, Any] = {
            **image.properties, marks.RUN: self._journal.run,
            'id': task.image_id, 'name': image.name,
            'disk_format': image.disk_format,
            'container_format': image.container_format,
            'tags': list(image.tags)}
        values.update((name, part.image_id) for name, part in task.parts)
        for name, value in (('visibility', image.visibility),
                            ('min_disk', image.min_disk),
                            ('min_ram', image.min_ram),
                            ('owner', self._wishes.owner)):
            if value:
                values[name] = value
        created = self._patient.ask(lambda: self._created(values))
        task.status = created['status']
        # Another run may have come to the same idea meanwhile.
        for other in self._patient.ask(
                lambda: self._images.named(image.name, self._wishes.owner)):
            if comparison.in_transit(other) and _order(other) < _order(
                    created):
                raise item.Wrong('image %s has the same name, and somebody '
                                 'else has begun to upload it' % other['id'])

    def _created(self, values: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._images.create(values)
        except exceptions.Conflict:
            # The answer to an earlier request may have been lost.
            found = self._images.get(values['id'])
            if found.get(marks.RUN) != values[marks.RUN]:
                raise
            return found

    def _digest(self, task: tasks.Task, algorithm: str) -> str | None:
        """Return a hash of the data, None where it cannot be had."""
        if task.body is None:
            given, _, value = (task.item.checksum or '').partition(':')
            return value if given == algorithm else None
        if algorithm not in task.body.digests:
            assert task.item.source is not None
            try:
                task.body.digests[algorithm] = task.item.source.digest(
                    algorithm)
            except ValueError:
                return None
            # That was a second reading; the next image needs none.
            self._algorithm = algorithm
        return task.body.digests[algorithm]

    def _complete(self, task: tasks.Task, image: dict[str, Any]) -> None:
        """Take our mark away, and protect the image if that is wanted."""
        changes: list[dict[str, Any]] = [
            {'op': 'remove', 'path': '/' + marks.RUN}]
        noted = verify.to_note(task, image)
        if noted is not None:
            changes.append({'op': 'add', 'path': '/' + marks.CHECKSUM,
                            'value': noted})
        if task.item.protected:
            changes.append({'op': 'replace', 'path': '/protected',
                            'value': True})
        self._patient.ask(
            lambda: self._images.change(str(task.image_id), changes))

    def _abandon(self, task: tasks.Task) -> None:
        """Delete an image that has not become what it was to be."""
        try:
            self._patient.ask(lambda: self._images.delete(str(task.image_id)))
            task.made = False
            task.status = 'deleted'
        except exceptions.ClientException as exc:
            LOG.warning('Image %s is left behind: %s', task.image_id, exc)


def _order(image: dict[str, Any]) -> tuple[str, str]:
    return str(image['created_at']), str(image['id'])
