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

"""Deletes images that were begun and will not be finished.

They are those of this run, and those of runs that are known to have died.
"""

from __future__ import annotations

from collections.abc import Iterable
import logging
import time

from keystoneauth1 import exceptions

from glance_progress import client
from glance_progress.upload import cloud
from glance_progress.upload import journal
from glance_progress.upload import marks
from glance_progress.upload import tasks

LOG = logging.getLogger(__name__)

#: Times that an image is deleted which Glance does not let go at once.
_ATTEMPTS = 4


def after(images: cloud.Images, ended: Iterable[tasks.Task]) -> bool:
    """Delete what this run has made and not finished.

    :returns: whether nothing is left
    """
    left = False
    for task in ended:
        if task.made and task.image_id is not None:
            if _delete(images, task.image_id):
                task.made, task.status = False, 'deleted'
            else:
                left = True
    return not left


def after_the_dead(images: cloud.Images, place: str) -> None:
    """Delete what runs that have died have left unfinished."""
    for run in journal.dead(journal.directory(), place):
        if all([_is_gone(images, run, image_id)
                for image_id in run.image_ids]):
            run.forget()


def _is_gone(
    images: cloud.Images, run: journal.Dead, image_id: str
) -> bool:
    """Tell whether nothing is left of an image that a dead run has made."""
    try:
        image = images.get(image_id)
        if image.get(marks.RUN) != run.run:
            return True  # it was finished
        if image['status'] == 'active':
            images.change(image_id, [
                {'op': 'remove', 'path': '/' + marks.RUN}])
            return True
        LOG.warning('Image %s (%s) is deleted: an earlier run was interrupted',
                    image_id, image['name'])
        return _delete(images, image_id)
    except exceptions.NotFound:
        return True
    except exceptions.ClientException as exc:
        LOG.warning('Image %s cannot be cleaned up: %s', image_id, exc)
        return False


def _delete(images: cloud.Images, image_id: str) -> bool:
    """Delete an image, and tell whether it is gone."""
    for attempt in range(_ATTEMPTS):
        time.sleep(attempt / 2)
        try:
            images.delete(image_id)
            return True
        except exceptions.ClientException as exc:
            why = cloud.words(exc)
            if not (client.passes(exc)
                    or isinstance(exc, exceptions.Conflict)):
                break
    LOG.warning('Image %s is left behind: %s', image_id, why)
    return False
