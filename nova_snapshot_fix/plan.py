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


"""What brings one instance back to the rule: decided, and not yet written."""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
import enum
from typing import Any
from typing import Union

from nova import utils

from nova_snapshot_fix import base_image_ref as rule
from nova_snapshot_fix import remembered
from nova_snapshot_fix import request_spec

#: What Glance knows of an image, as nova.image.glance.API.get() returns it.
Image = Union[dict[str, Any], rule.Unknown]

LookUp = Callable[[str], Image]


class Source(enum.Enum):
    """Where the image metadata of a refused rebuild were restored from."""

    REMEMBERED = 'what had been recorded before the rebuild'
    GLANCE = 'the image in Glance as it is today'
    NONE = 'nowhere: only image_base_image_ref was written'


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to write for an instance.

    ``request_image`` is what RequestSpec.image should become, as a dictionary
    of Nova's image API or True for what system_metadata says; None to leave
    it.
    """

    answer: rule.Answer
    metadata: dict[str, str | None]
    columns: remembered.Columns
    source: Source | None
    request_image: dict[str, Any] | bool | None

    @property
    def of_server(self) -> bool:
        """The metadata are of the server's own image, as far as is known."""
        return not self.answer.refused or self.source is Source.GLANCE


def make_plan(
    instance: Any,
    spec: Any,
    look_up: LookUp,
    base_of_snapshot: str = rule.IMAGE,
) -> Plan:
    """Return what brings *instance* back to the rule; nothing is written.

    :param instance: with system_metadata
    :param spec: its RequestSpec, None if it has none
    :param look_up: called at most once
    """
    requested = request_spec.image_id(spec)
    stale = rule.stale_request(instance.image_ref, requested)
    of_requested = stale and request_spec.is_of_metadata(spec, instance)
    metadata, columns, source = _recall(instance, of_requested)
    if source:
        of_requested = False  # it is from before the refused image
    image_ref = str(columns.get('image_ref', instance.image_ref) or '')

    def decide(origin: rule.Origin) -> rule.Answer:
        return rule.decide(
            image_ref, metadata.get(rule.KEY), origin, requested,
            base_of_snapshot, of_requested)

    image: Image = rule.Unknown.NOT_ASKED
    answer = decide(origin(image))
    if answer.refused or answer.reason in (
            rule.Reason.ASK_GLANCE, rule.Reason.OTHER_IMAGE):
        image = look_up(image_ref)
        answer = decide(origin(image))
    if answer.refused and answer.reason is rule.Reason.NO_ANSWER:
        return Plan(answer, dict(instance.system_metadata), {}, None, None)
    if answer.wrong:
        # A RequestSpec that names the server's image says that no rebuild
        # was refused: the key is off for another reason, and the rest is
        # what was recorded at boot.
        if answer.refused or (
                answer.reason is rule.Reason.OTHER_IMAGE and source is None
                and not rule.same_image(requested, image_ref)):
            source = Source.NONE
            if isinstance(image, dict):
                source = Source.GLANCE
                metadata = _of_glance(instance, metadata, image)
        metadata[rule.KEY] = answer.value
    request_image: dict[str, Any] | bool | None = None
    if stale and source is Source.GLANCE and isinstance(image, dict):
        request_image = image
    elif stale and (source is Source.REMEMBERED
                    or (source is None and answer.wrong)):
        request_image = True
    return Plan(answer, metadata, columns, source, request_image)


def origin(image: Image) -> rule.Origin:
    """Return the ``base_image_ref`` property of *image*."""
    if isinstance(image, rule.Unknown):
        return image
    value = image.get('properties', {}).get(rule.PROPERTY)
    return str(value) if value else None


def launched_at(instance: Any) -> str | None:
    """Return when *instance* was launched, as it is remembered."""
    return instance.launched_at and str(instance.launched_at.isoformat())


def _recall(
    instance: Any, of_requested: bool,
) -> tuple[dict[str, str | None], remembered.Columns, Source | None]:
    """Return the metadata with what was remembered, if that still counts.

    Nothing stays remembered: the rebuild has succeeded, or is undone now.

    :param of_requested: the RequestSpec says that a rebuild was refused
    """
    present = dict(instance.system_metadata)
    ours = remembered.keys(present)
    found = remembered.unpack(present) if ours else None
    kept = {key: value for key, value in present.items() if key not in ours}
    if (found is None or not instance.image_ref
            or not _still_counts(found, instance, of_requested)):
        return kept, {}, None
    metadata = _replaced(kept, found.image_metadata)
    columns = {name: value for name, value in found.columns.items()
               if name in remembered.COLUMNS}
    if not found.image_ref:
        # Stock Nova puts the image of the volume there when it refuses.
        columns['image_ref'] = ''
    if metadata == kept and all(
            getattr(instance, name) == columns[name] for name in columns):
        return kept, {}, None  # a conductor with our patch has undone it
    return metadata, columns, Source.REMEMBERED


def _still_counts(
    found: remembered.Remembered, instance: Any, of_requested: bool
) -> bool:
    same_image = rule.same_image(found.image_ref, instance.image_ref)
    if found.image_ref and not same_image:
        return False
    # A rescue moves launched_at as well.
    return (found.launched_at == launched_at(instance)
            or (same_image and of_requested))


def _of_glance(
    instance: Any, metadata: remembered.Metadata, image: dict[str, Any]
) -> dict[str, str | None]:
    try:
        flavor = instance.get_flavor()
    except Exception:  # those of old instances may be gone altogether
        flavor = None
    return _replaced(
        metadata, utils.get_system_metadata_from_image(image, flavor))


def _replaced(
    metadata: remembered.Metadata, image_metadata: dict[str, Any]
) -> dict[str, str | None]:
    of_image = remembered.image_metadata(metadata)
    rest = {key: value for key, value in metadata.items()
            if key not in of_image}
    # As they will be read from the database.
    return {**rest, **{key: value if value is None else str(value)
                       for key, value in image_metadata.items()}}
