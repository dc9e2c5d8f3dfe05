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

"""What is wrong with a server, and what to write: one table.

Nova records the base image of a server in
``system_metadata['image_base_image_ref']``, beside the properties of its image
in other ``image_*`` keys, and gives all of them to each snapshot. The command
and the API extension ask :func:`judge`, and nobody else decides. It knows
nothing of Nova: :mod:`nova_snapshot_fix.facts` gathers the facts, and
:mod:`nova_snapshot_fix.known` has the words for them.

That a rebuild was refused is Nova's own word: the server's newest rebuild has
an event of the conductor that ended in an error, and none of a compute service
(nova.conductor.manager.ComputeTaskManager.rebuild_instance). Without that word
no metadata are replaced.
"""

from __future__ import annotations

import dataclasses
import enum
import functools

from nova_snapshot_fix import known
from nova_snapshot_fix import remembered as memory

#: Values of the option ``base_of_snapshot``.
IMAGE = 'image'
ORIGIN = 'origin'


class State(enum.Enum):
    """What there is to say of a server."""

    CONSISTENT = 'consistent'
    INCONSISTENT = 'inconsistent'
    #: What a rebuild remembered is not cleared away yet; the rest is right.
    REMEMBERED = 'remembered'
    #: Wrong, and what would be right is known in part only.
    PARTIAL = 'partial'
    #: Neither right nor wrong can be told.
    UNJUDGED = 'unjudged'


class Row(enum.Enum):
    """The rows of the table: state, and why."""

    def __init__(self, state: State, reason: str) -> None:
        self.state = state
        self.reason = reason

    NAMES_IMAGE = (
        State.CONSISTENT, 'it names the image of the server')
    NAMES_ORIGIN = (
        State.CONSISTENT,
        'it names the image that the image of the server stems from')
    VOLUME = (
        State.CONSISTENT,
        'the server boots from a volume, and no rebuild of it was refused')
    VOLUME_AS_REQUESTED = (
        State.CONSISTENT, 'the volume was made from the image that it names')

    REFUSED_REMEMBERED = (
        State.INCONSISTENT,
        'a rebuild was refused, and what had been recorded before is known')
    REFUSED_IMAGE = (
        State.INCONSISTENT,
        'a rebuild was refused, and left the properties of its image')
    REFUSED_VOLUME = (
        State.INCONSISTENT,
        'a rebuild was refused, and left the properties of its image, which '
        'is not that of the volume')
    REFUSED_REQUEST = (
        State.INCONSISTENT,
        'a rebuild was refused, and left its image in the RequestSpec')
    STALE_REQUEST = (
        State.INCONSISTENT, 'the RequestSpec names another image')
    MISSING = (State.INCONSISTENT, 'it is missing')

    REFUSED_IMAGE_GONE = (
        State.PARTIAL,
        'a rebuild was refused, and left the properties of its image; those '
        'of the image of the server are not known, since it is gone')

    UNEXPLAINED = (
        State.UNJUDGED,
        'it names an image that the server does not have, and no rebuild was '
        'refused that would explain it')
    ORIGIN_GONE = (
        State.UNJUDGED,
        'the image of the server is gone, so that nobody can tell what it '
        'stems from')
    SHELVED_IMAGE = (
        State.UNJUDGED,
        'unshelving has failed, and may have left the image that shelving has '
        'made of the server in the place of its own')
    NO_RECORD = (
        State.UNJUDGED,
        'the RequestSpec names another image, and there is no record of a '
        'rebuild')
    NOT_SEEN = (
        State.UNJUDGED,
        'whoever asked may not see the image of the server, or it is gone')
    NO_ANSWER = (State.UNJUDGED, 'Glance or Cinder has not answered')


#: Another run may tell more of these.
TRY_AGAIN = frozenset((Row.NOT_SEEN, Row.NO_ANSWER))


class Source(enum.Enum):
    """Where the metadata of a refused rebuild are restored from."""

    REMEMBERED = 'what had been recorded before the rebuild'
    GLANCE = 'the image in Glance as it is today'
    CINDER = 'the image metadata of the volume as they are today'


@dataclasses.dataclass(frozen=True)
class Verdict:
    """A row of the table, and what it says to write.

    ``key`` is what image_base_image_ref should be. ``restore`` is what the
    other metadata are restored from, None to leave them. With ``request`` the
    image of the RequestSpec is made from the metadata, and gets the id
    ``request_id``, or none. ``clear`` says that what is remembered goes.
    """

    row: Row
    key: str | None
    source: Source | None = None
    restore: memory.Remembered | known.Image | None = None
    request: bool = False
    request_id: str | None = None
    clear: bool = False

    @property
    def state(self) -> State:
        if self.clear and self.row.state is State.CONSISTENT:
            return State.REMEMBERED
        return self.row.state

    @property
    def of_server(self) -> bool:
        """The metadata, once this is written, are of the server's image."""
        return self.row not in (
            Row.REFUSED_IMAGE_GONE, Row.NO_RECORD, *TRY_AGAIN)


def same_image(one: str | None, other: str | None) -> bool:
    """Return whether two ids are of the same image.

    Users may write them in capitals. Nova keeps them so, and a database that
    does not tell capitals from small letters finds the image.
    """
    return bool(one and other) and str(one).lower() == str(other).lower()


def agree(
    image_ref: str | None, key: str | None, requested: str | None
) -> bool:
    """Return whether this is enough to call a server consistent.

    It is so for most servers, of whichever kind, and costs no further look.
    """
    if not image_ref:
        return not requested
    return same_image(key, image_ref) and (
        requested is None or same_image(requested, image_ref))


def judge(
    facts: known.Facts, image: known.LookUp, volume: known.LookUp,
    base_of_snapshot: str = IMAGE,
) -> Verdict:
    """Return the row of the table for a server.

    :param image: asks Glance; called at most once, and not where the facts
        are enough
    :param volume: asks Cinder; likewise
    :param base_of_snapshot: IMAGE or ORIGIN, what a server gets whose image
        stems from another one, when its key must be written anew
    """
    verdict = _by_memory(facts)
    if verdict is None and facts.volume_backed:
        verdict = _of_volume(facts, volume)
    elif verdict is None:
        verdict = _of_image(facts, image, base_of_snapshot)
    return dataclasses.replace(verdict, clear=facts.remembers)


def _by_memory(facts: known.Facts) -> Verdict | None:
    """Judge by what was remembered before the newest rebuild, if that counts.

    It does while the refusal is all that has happened since: the metadata are
    those in the RequestSpec, of the refused image or as "nova-manage
    image_property set" has changed them, or as a patched conductor has put
    them back.
    """
    before = facts.remembered
    if (before is None or facts.rebuild is not known.Rebuild.REFUSED
            or facts.remembered_rebuild is not known.Rebuild.REFUSED):
        return None
    if not facts.volume_backed and not (
            same_image(before.image_ref, facts.image_ref)
            # As the API has set it, where the conductor has failed otherwise
            # than by finding no host. No compute service was asked.
            or same_image(facts.requested, facts.image_ref)):
        return None
    stale = facts.requested != before.requested
    if before.written and before.request_id == facts.rebuild_request:
        # A repair has been cut short. What Nova writes since, as resize,
        # migration and shelving do with the key, is of the server as it is.
        return Verdict(
            Row.REFUSED_REQUEST, facts.key, request=True,
            request_id=before.requested) if stale else None
    undone = dict(facts.metadata) == before.image_metadata
    if not undone and not facts.as_requested:
        return None
    columns = {**before.columns, 'image_ref': before.image_ref}
    if (not stale and columns.items() <= facts.columns.items()
            and _but_key(facts.metadata) == _but_key(before.image_metadata)):
        return None
    return Verdict(
        Row.REFUSED_REMEMBERED, before.image_metadata.get(known.KEY),
        Source.REMEMBERED, dataclasses.replace(before, columns=columns),
        stale, before.requested)


def _but_key(metadata: known.Metadata) -> known.Metadata:
    return {key: value for key, value in metadata.items() if key != known.KEY}


def _of_volume(facts: known.Facts, volume: known.LookUp) -> Verdict:
    # Nova leaves image_ref alone when it rebuilds such a server, so that only
    # the record of its actions, and Cinder, tell what the volume holds.
    if facts.requested is None or not facts.ever_refused:
        return Verdict(Row.VOLUME, facts.key)
    refused = facts.rebuild is known.Rebuild.REFUSED and facts.as_requested
    if (not refused and same_image(facts.key, facts.requested)
            # As at the creation of a server with an image and a volume. A
            # refusal leaves another image there.
            or same_image(facts.requested, facts.image_ref)):
        return Verdict(Row.VOLUME, facts.key)
    found = (known.Unknown.NO_ANSWER if facts.volume is None
             else volume(facts.volume))
    if isinstance(found, known.Unknown):
        return _not_known(found, facts, Row.NOT_SEEN)
    if same_image(found.id, facts.requested):
        return Verdict(Row.VOLUME_AS_REQUESTED, facts.key)
    # The RequestSpec gets no id, as when a server is made from a volume.
    if not refused:
        return Verdict(Row.REFUSED_REQUEST, facts.key, request=True)
    return Verdict(Row.REFUSED_VOLUME, found.id or '', Source.CINDER, found,
                   request=True)


def _of_image(
    facts: known.Facts, image: known.LookUp, base_of_snapshot: str
) -> Verdict:
    image_ref = facts.image_ref
    if not image_ref:
        return Verdict(Row.VOLUME, facts.key)
    if same_image(image_ref, facts.shelved_image):
        return Verdict(Row.SHELVED_IMAGE, facts.key)
    image = functools.cache(image)
    stale = bool(facts.requested) and not same_image(
        facts.requested, image_ref)
    if stale and facts.unshelve_failed:
        # The next unshelving takes what was left there for the server's own,
        # and deletes it in Glance.
        found = image(image_ref)
        if found in (known.Unknown.NOT_SEEN, known.Unknown.NO_ANSWER):
            return _not_known(found, facts, Row.NOT_SEEN)
        if isinstance(found, known.Unknown) or same_image(
                found.base, facts.requested):
            return Verdict(Row.SHELVED_IMAGE, facts.key)
    perhaps = stale and facts.as_requested
    if perhaps and facts.rebuild is known.Rebuild.REFUSED:
        return _refused(facts, image_ref, image(image_ref), base_of_snapshot)
    no_record = perhaps and facts.rebuild is known.Rebuild.UNKNOWN
    row = Row.STALE_REQUEST
    if facts.rebuild is known.Rebuild.REFUSED:
        row = Row.REFUSED_REQUEST
    if same_image(facts.key, image_ref):
        return Verdict(row if stale else Row.NAMES_IMAGE, facts.key,
                       request=stale, request_id=image_ref)
    if not facts.key and no_record:
        return Verdict(Row.NO_RECORD, facts.key)
    if not facts.key and base_of_snapshot == IMAGE:
        return Verdict(Row.MISSING, image_ref, request=stale,
                       request_id=image_ref)
    found = image(image_ref)
    if not facts.key:
        if found in (known.Unknown.NOT_SEEN, known.Unknown.NO_ANSWER):
            return _not_known(found, facts, Row.NOT_SEEN)
        return Verdict(Row.MISSING, _anew(image_ref, found, base_of_snapshot),
                       request=stale, request_id=image_ref)
    if isinstance(found, known.Unknown):
        return _not_known(found, facts, Row.ORIGIN_GONE)
    stale = stale and not same_image(facts.requested, found.base)
    if same_image(facts.key, found.base) and not (stale and no_record):
        return Verdict(row if stale else Row.NAMES_ORIGIN, facts.key,
                       request=stale, request_id=image_ref)
    return Verdict(
        Row.NO_RECORD if no_record else Row.UNEXPLAINED, facts.key)


def _refused(
    facts: known.Facts, image_ref: str, found: known.Image | known.Unknown,
    base_of_snapshot: str,
) -> Verdict:
    """Judge a server with the properties of the refused image."""
    if isinstance(found, known.Unknown):
        if found is known.Unknown.GONE:
            return Verdict(Row.REFUSED_IMAGE_GONE, image_ref)
        return _not_known(found, facts, Row.NOT_SEEN)
    same = found.properties == facts.requested_properties
    if same and facts.key and not same_image(facts.key, facts.requested):
        # Resize, migration and shelving write the key as well. Of two images
        # with the same properties nobody can tell whose these are.
        if not (same_image(facts.key, image_ref)
                or same_image(facts.key, found.base)):
            return Verdict(Row.UNEXPLAINED, facts.key)
        return Verdict(Row.REFUSED_REQUEST, facts.key, request=True,
                       request_id=image_ref)
    return Verdict(
        Row.REFUSED_IMAGE, _anew(image_ref, found, base_of_snapshot),
        Source.GLANCE, found, request=True, request_id=image_ref)


def _not_known(found: known.Unknown, facts: known.Facts, gone: Row) -> Verdict:
    return Verdict({
        known.Unknown.GONE: gone, known.Unknown.NOT_SEEN: Row.NOT_SEEN,
        known.Unknown.NO_ANSWER: Row.NO_ANSWER}[found], facts.key)


def _anew(
    image_ref: str, found: known.Image | known.Unknown, base_of_snapshot: str
) -> str:
    """Return what to write for a server that has just got *image_ref*.

    The image itself is what Nova's rebuild, shelve and resize write; what it
    stems from is what Nova writes for a new server.
    """
    if (base_of_snapshot == ORIGIN and isinstance(found, known.Image)
            and found.base):
        return found.base
    return image_ref


def healed(
    facts: known.Facts, verdict: Verdict, restored: known.Metadata | None
) -> dict[str, str | None]:
    """Return what the image_* metadata of a server should be.

    What a driver has registered on the server since the refused rebuild stays:
    it is of the guest and of no image.

    :param restored: the metadata that *verdict* restores, None for none
    """
    after = dict(facts.metadata)
    if restored is not None:
        registered = {
            memory.IMAGE_PREFIX + name
            for name in known.REGISTERED - facts.requested_properties.keys()}
        after = {**restored, **{
            key: value for key, value in facts.metadata.items()
            if key in registered}}
    if verdict.key is None:
        after.pop(known.KEY, None)
    else:
        after[known.KEY] = verdict.key
    return after
