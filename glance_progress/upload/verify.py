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

"""Whether an image is what was sent, by the hash that Glance has made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glance_progress.upload import item
from glance_progress.upload import marks
from glance_progress.upload import tasks

Digest = Callable[[tasks.Task, str], 'str | None']


def verify(
    task: tasks.Task, image: dict[str, Any], digest: Digest
) -> tuple[bool | None, str]:
    """Return whether the image's hash is that of the data, and how.

    :param digest: returns a hash of what was sent, None where nobody knows it
    :returns: None when that cannot be known, with the reason
    :raises item.Wrong: when the data are not those of the checksum in a list
    """
    wanted = task.item
    algorithm, _, value = (wanted.checksum or '').partition(':')
    if value and task.body is not None and digest(task, algorithm) != value:
        raise item.Wrong('the %s of the data is not the one that is given'
                         % algorithm)
    if image['disk_format'] != wanted.disk_format:
        return None, 'converted to %s' % image['disk_format']
    found = marks.hash_of(image)
    if found is None:
        return None, 'the cloud has no hash of it'
    known = digest(task, found[0])
    if known is None:
        return None, '%s of the data is not known' % found[0]
    return known == found[1], found[0]


def to_note(task: tasks.Task, image: dict[str, Any]) -> str | None:
    """Return what a later run is to find in the image; None for nothing.

    That is where Glance's own hash will not tell whether the data are there.
    """
    if task.item.checksum is not None:
        return marks.checksum(task.item.checksum, image, bool(task.verified))
    if task.verified is None and task.body is not None:
        digest = max(task.body.digests.items())  # any will do
        return marks.checksum('%s:%s' % digest, image, False)
    return None
