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


"""The rule: which base image the metadata of a server should name.

Nova records it in ``system_metadata['image_base_image_ref']`` and gives it to
each snapshot of the server as the property ``base_image_ref``. Everything
else in this package asks this module, which knows nothing of Nova.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Union

#: What Nova puts before the names of an image's properties
#: (nova.utils.SM_IMAGE_PROP_PREFIX).
IMAGE_PREFIX = 'image_'

#: The key in system_metadata that the rule is about.
KEY = IMAGE_PREFIX + 'base_image_ref'

#: The property of an image that says the same of an image.
PROPERTY = 'base_image_ref'

#: Values of ``base_of_snapshot``.
IMAGE = 'image'
ORIGIN = 'origin'


class Unknown(enum.Enum):
    """Why the image's own ``base_image_ref`` property is not known."""

    #: Glance has not been asked yet.
    NOT_ASKED = 'not asked'
    #: Glance has no such image, or not for whoever asked.
    GONE = 'gone'
    #: Glance has not answered.
    NO_ANSWER = 'no answer'


#: The property of the image: None where the image has none.
Origin = Union[str, None, Unknown]


class Reason(enum.Enum):
    """Why the metadata should say what it should."""

    VOLUME_BACKED = 'the server boots from a volume'
    NAMES_IMAGE = 'it names the image of the server'
    NAMES_ORIGIN = 'it names the image that the image of the server stems from'
    MISSING = 'it is missing'
    OTHER_IMAGE = 'it names an image that the server does not have'
    # Resize, migration and shelving of 21.2.1 and later write the key anew,
    # so that it alone does not say that no rebuild was refused.
    STALE_REQUEST = 'the RequestSpec names another image'
    # A server from a snapshot names the snapshot's base image. Once the
    # snapshot is gone nobody can tell that from a wrong name.
    IMAGE_GONE = 'the image of the server is gone, so it cannot be judged'
    # That of a refused rebuild stays as well: what is wrong with it is what
    # tells the next one, who gets an answer, to restore all of it.
    NO_ANSWER = 'Glance has not answered, so it cannot be judged'
    ASK_GLANCE = 'it takes a look at the image in Glance'


_RIGHT = frozenset(
    (Reason.VOLUME_BACKED, Reason.NAMES_IMAGE, Reason.NAMES_ORIGIN))
_WRONG = frozenset(
    (Reason.MISSING, Reason.OTHER_IMAGE, Reason.STALE_REQUEST))


@dataclasses.dataclass(frozen=True)
class Answer:
    """What ``image_base_image_ref`` should be, and why.

    ``value`` is the present value where that is right or cannot be judged.
    ``refused`` says that the other image metadata are as a refused rebuild has
    left them: of another image.
    """

    value: str | None
    reason: Reason
    refused: bool = False

    @property
    def right(self) -> bool:
        """What is recorded is right."""
        return self.reason in _RIGHT

    @property
    def wrong(self) -> bool:
        """What is recorded is wrong, and ``value`` is the right one.

        It is the present one where other things are wrong.
        """
        return self.reason in _WRONG


def same_image(one: str | None, other: object) -> bool:
    """Return whether two ids are of the same image.

    Users may write them in capitals. Nova keeps them so, and a database that
    does not tell capitals from small letters finds the image.
    """
    return (bool(one) and isinstance(other, str)
            and str(one).lower() == other.lower())


def stale_request(image_ref: str | None, requested: str | None) -> bool:
    """Return whether a RequestSpec names another image than ``image_ref``.

    A refused rebuild leaves it like that. A server that boots from a volume
    has no image for it to name.
    """
    return bool(image_ref and requested
                and not same_image(image_ref, requested))


def decide(
    image_ref: str | None,
    present: str | None,
    origin: Origin = Unknown.NOT_ASKED,
    requested: str | None = None,
    base_of_snapshot: str = IMAGE,
    of_requested: bool | None = None,
) -> Answer:
    """Return what the metadata of a server should name as its base image.

    :param image_ref: the instance's image_ref; empty if it boots from a volume
    :param present: what its system_metadata says now
    :param origin: the ``base_image_ref`` property of the image ``image_ref``.
        With Unknown.NOT_ASKED the answer may have Reason.ASK_GLANCE, and then
        another call with more knowledge is due
    :param requested: the id of the image in the RequestSpec, None if it has
        none. A refused rebuild leaves it at the refused image
    :param base_of_snapshot: IMAGE or ORIGIN, what a server gets whose image
        has an origin, when its key must be written anew
    :param of_requested: False where the other image metadata are certainly not
        those of the image ``requested``; None where nobody has looked
    """
    if not image_ref:
        return Answer(present, Reason.VOLUME_BACKED)
    stale = stale_request(image_ref, requested)
    refused = stale and of_requested is not False
    if refused and origin is Unknown.NO_ANSWER:
        return Answer(present, Reason.NO_ANSWER, refused)
    if same_image(present, image_ref):
        if refused and origin is Unknown.GONE:
            return Answer(present, Reason.IMAGE_GONE, refused)
        return Answer(present, Reason.STALE_REQUEST if stale
                      else Reason.NAMES_IMAGE, refused)
    # Not of a refused one: a server from a snapshot may have been refused the
    # very image that the snapshot stems from.
    if same_image(present, origin) and not refused:
        return Answer(present, Reason.STALE_REQUEST if stale
                      else Reason.NAMES_ORIGIN)
    if origin is Unknown.NOT_ASKED and (
            base_of_snapshot == ORIGIN or (present and not refused)):
        return Answer(present, Reason.ASK_GLANCE, refused)
    if present and isinstance(origin, Unknown) and not refused:
        return Answer(present, Reason.IMAGE_GONE if origin is Unknown.GONE
                      else Reason.NO_ANSWER)
    return Answer(
        written_anew(image_ref, origin, base_of_snapshot),
        Reason.OTHER_IMAGE if present else Reason.MISSING, refused)


def written_anew(
    image_ref: str, origin: Origin, base_of_snapshot: str
) -> str:
    """Return what to write for a server that has just got ``image_ref``.

    The image itself is what Nova's own rebuild, shelve and resize write; its
    origin is what Nova writes for a new server.
    """
    if base_of_snapshot == ORIGIN and origin and isinstance(origin, str):
        return origin
    return image_ref
