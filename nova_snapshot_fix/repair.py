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

import dataclasses
import enum
from typing import Any

from nova import exception
from nova import objects
from oslo_log import log as logging

from nova_snapshot_fix import base_image_ref as rule
from nova_snapshot_fix import database
from nova_snapshot_fix import plan as plans
from nova_snapshot_fix import request_spec

LOG = logging.getLogger(__name__)

# Of a conflict the second attempt knows what the other one has written.
_ATTEMPTS = 3


class Status(enum.Enum):
    """What came of an instance."""

    RIGHT = 'right'
    REPAIRED = 'repaired'
    #: It has a task_state, or did at the moment of writing.
    BUSY = 'busy'
    #: Neither right nor wrong can be told; nothing was changed.
    UNJUDGED = 'unjudged'


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of an instance, and of which plan."""

    status: Status
    before: str | None
    plan: plans.Plan | None = None


def look_up(context: Any, image_api: Any, image_ref: str) -> plans.Image:
    """Return the image ``image_ref``, or why it is not known."""
    try:
        image: dict[str, Any] = image_api.get(context, image_ref)
    except exception.ImageNotFound:
        return rule.Unknown.GONE
    except Exception as exc:
        # Of an image that is gone Glance never says that one may not see it:
        # ImageNotAuthorized is a matter of the token.
        LOG.warning('Could not look at image %s in Glance: %s',
                    image_ref, exc)
        return rule.Unknown.NO_ANSWER
    return rule.Unknown.GONE if image.get('deleted') else image


def repair(
    context: Any,
    instance: Any,
    look_up: plans.LookUp,
    base_of_snapshot: str = rule.IMAGE,
) -> Outcome:
    """Bring *instance* back to the rule, in the database and in memory.

    :param context: targeted at the cell of the instance
    :param instance: with system_metadata. After a conflict it is refreshed
    :param look_up: returns an image; called at most once an attempt
    :raises oslo_db.exception.DBError: if the database fails
    """
    before = instance.system_metadata.get(rule.KEY)
    for _ in range(_ATTEMPTS):
        if instance.task_state is not None:
            return Outcome(Status.BUSY, before)
        spec = None
        if instance.image_ref:
            spec = request_spec.get(context, instance.uuid)
        plan = plans.make_plan(instance, spec, look_up, base_of_snapshot)
        if not _pending(instance, plan):
            return Outcome(
                Status.RIGHT if plan.answer.right else Status.UNJUDGED,
                before, plan)
        if _write(context, instance, request_spec.image_id(spec), plan):
            return Outcome(Status.REPAIRED, before, plan)
        instance.refresh()
    return Outcome(Status.BUSY, before)


def _pending(instance: Any, plan: plans.Plan) -> bool:
    return (plan.metadata != instance.system_metadata
            or plan.request_image is not None)


def _write(
    context: Any, instance: Any, requested: str | None, plan: plans.Plan
) -> bool:
    image_ref = instance.image_ref
    if not database.change(
            context, instance.uuid, image_ref,
            instance.system_metadata, plan.metadata, plan.columns):
        return False
    instance.system_metadata = plan.metadata
    for name, value in plan.columns.items():
        setattr(instance, name, value)
    instance.obj_reset_changes(['system_metadata', *plan.columns])
    if plan.request_image is not None:
        image = (instance.image_meta if plan.request_image is True
                 else objects.ImageMeta.from_dict(plan.request_image))
        # Train does not record it in system_metadata.
        image.id = image_ref
        request_spec.change_image(context, instance.uuid, requested, image)
    return True
