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

"""Whether an image is there already: same name and same hash.

The data are read only where an image of that name and size is active, and once
for each algorithm.
"""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
from typing import Any

from glance_progress.upload import item
from glance_progress.upload import marks
from glance_progress.upload import sources

UPLOAD = 'upload'
SKIP = 'skip'
REFUSE = 'refuse'

_TRANSIT = ('saving', 'uploading', 'importing')


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What is to be done, and why.

    :ivar image: that which has the same data, for SKIP
    :ivar old: images of that name that are to be renamed afterwards
    :ivar verified: whether the image's hash is that of the data; None when
        that cannot be known
    :ivar verified_by: the hash, or why there is none
    """

    action: str
    why: str
    image: dict[str, Any] | None = None
    old: tuple[dict[str, Any], ...] = ()
    verified: bool | None = None
    verified_by: str = ''


@dataclasses.dataclass(frozen=True)
class _Match:
    """An image has the same data, and how that is known."""

    verified: bool | None
    by: str


def judge(
    wanted: item.Item, images: Sequence[dict[str, Any]],
    update_existing: bool,
) -> Verdict:
    """Return what is to be done for *wanted*.

    :param images: those that have its name
    :param update_existing: whether images with other data may be renamed
    :raises sources.Unreadable: when the data have to be read, and cannot be
    """
    digests = _Digests(wanted)
    there = [each for each in images
             if each['status'] in ('active', 'deactivated')]
    for image in there:
        match = _same(image, wanted, digests)
        if match is None:
            continue
        if image['status'] != 'active':
            return Verdict(REFUSE, 'image %s has the same name and data, and '
                           'is deactivated' % image['id'])
        others = [each for each in there if each is not image
                  and each['created_at'] <= image['created_at']
                  and _same(each, wanted, digests) is None]
        return Verdict(
            SKIP, 'image %s has the same name and %s' % (
                image['id'], match.by), image,
            tuple(others) if update_existing else (), match.verified, match.by)
    for image in images:
        if in_transit(image):
            return Verdict(REFUSE, 'image %s has the same name and is being '
                           'uploaded (%s); wait for it, or delete it' % (
                               image['id'], image['status']))
    if not there:
        return Verdict(UPLOAD, 'there is no image of that name')
    what = 'image %s of that name %s' % (
        ', '.join(str(each['id']) for each in there),
        'has other data' if wanted.size else 'cannot be compared')
    if update_existing:
        return Verdict(UPLOAD, what + '; it will be renamed', old=tuple(there))
    return Verdict(REFUSE, what + '; --update-existing renames it')


def in_transit(image: dict[str, Any]) -> bool:
    """Tell whether somebody uploads an image, or is about to."""
    return image['status'] in _TRANSIT or (
        image['status'] == 'queued' and marks.RUN in image)


def old_name(image: dict[str, Any]) -> str:
    """Return the name of an image that a newer one takes the place of.

    Such as ``overcloud-full_20210201T105238Z``, from when it was made.
    """
    return '%s_%s' % (image['name'], ''.join(
        c for c in str(image['created_at']) if c not in '-:.'))


class _Digests:
    """Hashes of the data; each is found once."""

    def __init__(self, wanted: item.Item) -> None:
        self._wanted = wanted
        self._known: dict[str, str] = {}
        # A file may be another one than its list says.
        if wanted.checksum is not None and not isinstance(
                wanted.source, sources.File):
            algorithm, _, value = wanted.checksum.partition(':')
            self._known[algorithm] = value

    def given(self, algorithm: str) -> bool:
        return algorithm in self._known

    def get(self, algorithm: str) -> str | None:
        data = self._wanted.source
        # What the cloud itself is to fetch has no size here.
        if algorithm not in self._known and data is not None and data.size:
            try:
                self._known[algorithm] = data.digest(algorithm)
            except ValueError:
                return None
        return self._known.get(algorithm)


def _same(
    image: dict[str, Any], wanted: item.Item, digests: _Digests
) -> _Match | None:
    """Return how it is known that *image* has the data; None if it has not."""
    recorded = marks.recorded(image)
    if recorded is not None:
        algorithm, value, seen = recorded
        if _cheap(wanted, digests, algorithm) and (
                digests.get(algorithm) == value):
            return _Match(True if seen else None,
                          'the %s that was noted at its upload' % algorithm)
    if wanted.size is not None and image.get('size') != wanted.size:
        return None
    found = marks.hash_of(image)
    if found is not None:
        algorithm, value = found
        if digests.get(algorithm) == value:
            return _Match(True, algorithm)
        return None
    if image.get('checksum') and digests.get('md5') == image['checksum']:
        return _Match(None, 'md5 alone, as old images have')
    return None


def _cheap(wanted: item.Item, digests: _Digests, algorithm: str) -> bool:
    """Tell whether a hash is known, or can be had without a download."""
    return digests.given(algorithm) or isinstance(wanted.source, sources.File)
