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


"""Brings one instance back to the rule: system_metadata and RequestSpec."""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
import enum
from typing import Any
from typing import Union

from nova import exception
from nova import objects
from nova import utils
from oslo_log import log as logging

from nova_snapshot_fix import base_image_ref as rule
from nova_snapshot_fix import database
from nova_snapshot_fix import remembered

LOG = logging.getLogger(__name__)

#: What Glance knows of an image, as nova.image.glance.API.get() returns it.
Image = Union[dict[str, Any], rule.Unknown]

LookUp = Callable[[str], Image]

# Of a conflict the second attempt knows what the other one has written.
_ATTEMPTS = 3


class Source(enum.Enum):
    """Where the image metadata of a refused rebuild were restored from."""

    REMEMBERED = 'what had been recorded before the rebuild'
    GLANCE = 'the image in Glance as it is today'
    NONE = 'nowhere: only image_base_image_ref was written'


class Status(enum.Enum):
    """What came of an instance."""

    RIGHT = 'right'
    REPAIRED = 'repaired'
    #: It has a task_state, or did at the moment of writing.
    BUSY = 'busy'
    #: Neither right nor wrong can be told; nothing was changed.
    UNJUDGED = 'unjudged'


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to write for an instance.

    ``request_image`` is what RequestSpec.image should become, as a dictionary
    of Nova's image API or True for what system_metadata says; None to leave
    it.
    """

    answer: rule.Answer
    metadata: dict[str, str | None]
    columns: dict[str, str | None]
    source: Source | None
    request_image: dict[str, Any] | bool | None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of an instance, and of which plan."""

    status: Status
    before: str | None
    plan: Plan | None = None


def look_up(context: Any, image_api: Any, image_ref: str) -> Image:
    """Return the image ``image_ref``, or why it is not known."""
    try:
        image: dict[str, Any] = image_api.get(context, image_ref)
    except (exception.ImageNotFound, exception.ImageNotAuthorized):
        return rule.Unknown.GONE
    except Exception as exc:
        LOG.warning('Could not look at image %s in Glance: %s',
                    image_ref, exc)
        return rule.Unknown.NO_ANSWER
    return rule.Unknown.GONE if image.get('deleted') else image


def make_plan(
    instance: Any,
    request_spec: Any,
    look_up: LookUp,
    base_of_snapshot: str = rule.IMAGE,
) -> Plan:
    """Return what brings *instance* back to the rule; nothing is written.

    :param instance: with system_metadata
    :param request_spec: of the instance, None if it was not read
    :param look_up: called at most once
    """
    image_ref = instance.image_ref
    requested = _requested_image(request_spec)
    stale_request = bool(image_ref) and requested not in (None, image_ref)
    metadata, columns, source = _recall(instance)
    present = metadata.get(rule.KEY)
    # What was remembered is from before the refused image.
    refused = None if source else requested

    image: Image = rule.Unknown.NOT_ASKED
    answer = rule.decide(
        image_ref, present, refused_image=refused,
        base_of_snapshot=base_of_snapshot)
    if answer.reason in (rule.Reason.ASK_GLANCE, rule.Reason.OTHER_IMAGE):
        image = look_up(image_ref)
        answer = rule.decide(
            image_ref, present, origin(image), refused, base_of_snapshot)
    if answer.wrong:
        # A RequestSpec that names the server's image says that no rebuild
        # was refused: the key is off for another reason, and the rest is
        # what was recorded at boot.
        if (answer.reason is rule.Reason.OTHER_IMAGE and source is None
                and requested != image_ref):
            source = Source.NONE
            if isinstance(image, dict):
                source = Source.GLANCE
                metadata = _of_glance(instance, metadata, image)
        metadata[rule.KEY] = answer.value
    request_image: dict[str, Any] | bool | None = None
    if stale_request and source is not Source.NONE:
        request_image = image if source is Source.GLANCE and isinstance(
            image, dict) else True
    return Plan(answer, metadata, columns, source, request_image)


def origin(image: Image) -> rule.Origin:
    """Return the ``base_image_ref`` property of *image*."""
    if isinstance(image, rule.Unknown):
        return image
    value = image.get('properties', {}).get(rule.PROPERTY)
    return str(value) if value else None


def _requested_image(request_spec: Any) -> str | None:
    if request_spec is None or 'image' not in request_spec:
        return None
    image = request_spec.image
    if image is None or 'id' not in image:
        return None
    return str(image.id)


def launched_at(instance: Any) -> str | None:
    """Return when *instance* was launched, as it is remembered."""
    return instance.launched_at and str(instance.launched_at.isoformat())


def _recall(
    instance: Any,
) -> tuple[dict[str, str | None], dict[str, str | None], Source | None]:
    """Return the metadata with what was remembered, if that still counts.

    Nothing stays remembered: the rebuild has succeeded, or is undone now.
    """
    present = dict(instance.system_metadata)
    ours = remembered.keys(present)
    found = remembered.unpack(present) if ours else None
    kept = {key: value for key, value in present.items() if key not in ours}
    if (found is None or found.image_ref != instance.image_ref
            or found.launched_at != launched_at(instance)):
        return kept, {}, None
    metadata = _replaced(kept, found.image_metadata)
    columns = {name: value for name, value in found.columns.items()
               if name in remembered.COLUMNS}
    if metadata == kept and all(
            getattr(instance, name) == columns[name] for name in columns):
        return kept, {}, None  # a conductor with our patch has undone it
    return metadata, columns, Source.REMEMBERED


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


def repair(
    context: Any,
    instance: Any,
    look_up: LookUp,
    base_of_snapshot: str = rule.IMAGE,
    read_request_spec: bool = True,
    dry_run: bool = False,
) -> Outcome:
    """Bring *instance* back to the rule, in the database and in memory.

    :param context: targeted at the cell of the instance
    :param instance: with system_metadata. After a conflict it is refreshed
    :param look_up: returns an image; called at most once an attempt
    :param read_request_spec: False leaves the RequestSpec out where the
        metadata name the server's own image
    :param dry_run: write nothing
    :raises oslo_db.exception.DBError: if the database fails
    """
    before = instance.system_metadata.get(rule.KEY)
    for _ in range(_ATTEMPTS):
        if instance.task_state is not None:
            return Outcome(Status.BUSY, before)
        request_spec = None
        present = instance.system_metadata.get(rule.KEY)
        if instance.image_ref and (
                read_request_spec or (present or '') != instance.image_ref):
            request_spec = _request_spec(context, instance)
        plan = make_plan(instance, request_spec, look_up, base_of_snapshot)
        if not _pending(instance, plan):
            return Outcome(
                Status.RIGHT if plan.answer.right else Status.UNJUDGED,
                before, plan)
        if dry_run or _write(context, instance, request_spec, plan):
            return Outcome(Status.REPAIRED, before, plan)
        instance.refresh()
    return Outcome(Status.BUSY, before)


def _request_spec(context: Any, instance: Any) -> Any:
    try:
        return objects.RequestSpec.get_by_instance_uuid(
            context, instance.uuid)
    except exception.RequestSpecNotFound:
        return None


def _pending(instance: Any, plan: Plan) -> bool:
    return (plan.metadata != instance.system_metadata
            or plan.request_image is not None)


def _write(
    context: Any, instance: Any, request_spec: Any, plan: Plan
) -> bool:
    if not database.change(
            context, instance.uuid, instance.image_ref,
            instance.system_metadata, plan.metadata, plan.columns):
        return False
    instance.system_metadata = plan.metadata
    for name, value in plan.columns.items():
        setattr(instance, name, value)
    instance.obj_reset_changes(['system_metadata', *plan.columns])
    if plan.request_image is not None:
        request_spec.image = (
            instance.image_meta if plan.request_image is True
            else objects.ImageMeta.from_dict(plan.request_image))
        # Train does not record it in system_metadata.
        request_spec.image.id = instance.image_ref
        request_spec.save()
    return True
