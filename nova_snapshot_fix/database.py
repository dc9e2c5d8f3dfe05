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


"""What nova.objects cannot read or write well enough in a cell's database.

Instance.save() writes all of system_metadata as it was when the instance was
read, and so undoes what anybody else has written since. And an object for
each instance of a cell, to look at one key, would take minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
import dataclasses
from typing import Any
from typing import NamedTuple

from oslo_db import api as oslo_db_api
from oslo_utils import timeutils

try:
    from nova.db.main import api as db
    from nova.db.main import models
except ImportError:  # Wallaby (23) and older
    from nova.db.sqlalchemy import api as db
    from nova.db.sqlalchemy import models

from nova_snapshot_fix import known
from nova_snapshot_fix import remembered

#: Columns of an instance that are compared and changed here.
COLUMNS = ('image_ref', *remembered.COLUMNS)

# What compute services and conductors call their part of a rebuild
# (nova.compute.utils.EventReporter and wrap_instance_event).
_CONDUCTOR_EVENT = 'rebuild_server'
_COMPUTE_EVENT = 'compute_rebuild_instance'

# What compute services call their part of unshelving.
_UNSHELVE_EVENT = 'compute_unshelve_instance'

# Where Nova keeps the id of the image that it makes of a server to shelve it
# (nova.compute.manager.ComputeManager._shelve_instance).
_SHELVED_IMAGE = 'shelved_image_id'

_retried = oslo_db_api.wrap_db_retry(
    max_retries=5, retry_on_deadlock=True, inc_retry_interval=True)


class Row(NamedTuple):
    """What most instances need no more than; ``id`` orders those of a cell.

    ``remembered`` is not None when something is remembered.
    """

    id: int
    uuid: str
    image_ref: str | None
    key: str | None
    remembered: str | None


@dataclasses.dataclass(frozen=True)
class Instance:
    """An instance as far as it is judged.

    ``metadata`` are the image_* keys of its system_metadata and those of what
    is remembered; ``columns`` are COLUMNS.
    """

    uuid: str
    project_id: str | None
    task_state: str | None
    metadata: dict[str, str | None]
    columns: dict[str, Any]
    shelved_image: str | None = None


@dataclasses.dataclass
class History:
    """What came of the actions on an instance, by Nova's record of them.

    ``rebuilds`` has its rebuilds by the ids of their requests, the newest one
    last. ``unshelve_failed`` says that a compute service has failed to
    unshelve it since the last rebuild that was not refused.
    """

    rebuilds: dict[str | None, known.Rebuild] = dataclasses.field(
        default_factory=dict)
    unshelve_failed: bool = False


class _Moved(Exception):
    """The instance is no longer as it was; ends the transaction."""


@db.pick_context_manager_reader
def rows(
    context: Any, after: int, limit: int, project_id: str | None = None,
    uuids: Collection[str] | None = None,
) -> list[Row]:
    """Return instances of a cell that are not deleted, ordered by id.

    Those that a cross-cell resize hides are the other cell's.

    :param context: targeted at the cell
    :param after: the id after which to begin
    :param limit: how many, at most
    :param project_id: of this project only
    :param uuids: of these only
    :raises oslo_db.exception.DBError: if the database fails
    """
    instance = models.Instance
    query = context.session.query(
        instance.id, instance.uuid, instance.image_ref).filter(
            _shown(), instance.id > after)
    if project_id is not None:
        query = query.filter(instance.project_id == project_id)
    if uuids is not None:
        query = query.filter(instance.uuid.in_(uuids))
    found = query.order_by(instance.id).limit(limit).all()
    # Not joined: a planner that sorts would join what the limit cuts off.
    metadata = models.InstanceSystemMetadata
    memory = remembered.PREFIX + '0'
    values = {
        (uuid, key): value for uuid, key, value in context.session.query(
            metadata.instance_uuid, metadata.key, metadata.value).filter(
                metadata.instance_uuid.in_([row.uuid for row in found]),
                metadata.key.in_((known.KEY, memory)),
                metadata.deleted == 0).order_by(metadata.id)}
    return [Row(row.id, row.uuid, row.image_ref,
                values.get((row.uuid, known.KEY)),
                values.get((row.uuid, memory))) for row in found]


def _shown() -> Any:
    instance = models.Instance
    return (instance.deleted == 0) & (
        instance.hidden.is_(None) | (instance.hidden == 0))


@db.pick_context_manager_reader
def instances(
    context: Any, uuids: Collection[str]
) -> dict[str, Instance]:
    """Return those of the instances that are there and not hidden.

    :param context: targeted at their cell
    :raises oslo_db.exception.DBError: if the database fails
    """
    model = models.Instance
    found = {}
    for uuid, project_id, task_state, *columns in context.session.query(
            model.uuid, model.project_id, model.task_state,
            *(getattr(model, name) for name in COLUMNS)).filter(
                _shown(), model.uuid.in_(uuids)):
        found[uuid] = Instance(
            uuid, project_id, task_state, {}, dict(zip(COLUMNS, columns)))
    for row in _metadata(context, found):
        found[row.instance_uuid].metadata[row.key] = row.value
    shelved = models.InstanceSystemMetadata
    for uuid, value in context.session.query(
            shelved.instance_uuid, shelved.value).filter(
                shelved.instance_uuid.in_(list(found)),
                shelved.key == _SHELVED_IMAGE, shelved.deleted == 0):
        found[uuid] = dataclasses.replace(found[uuid], shelved_image=value)
    return found


def _metadata(context: Any, uuids: Iterable[str]) -> Any:
    model = models.InstanceSystemMetadata
    # Of two rows of a key the later one counts, here as for Nova.
    return context.session.query(model).filter(
        model.instance_uuid.in_(list(uuids)), model.deleted == 0,
        model.key.startswith(remembered.IMAGE_PREFIX, autoescape=True)
        | model.key.startswith(remembered.PREFIX, autoescape=True),
    ).order_by(model.id)


@db.pick_context_manager_reader
def histories(
    context: Any, uuids: Collection[str]
) -> dict[str, History]:
    """Return what came of the rebuilds of instances, and of their unshelving.

    :param context: targeted at their cell
    :returns: by instance; one that has had neither may be missing
    :raises oslo_db.exception.DBError: if the database fails
    """
    action = models.InstanceAction
    event = models.InstanceActionEvent
    events: dict[int, dict[str, str | None]] = {}
    # Not by the id alone: a cross-cell resize copies them with new ids, the
    # newest first (nova.conductor.tasks.cross_cell_migrate.TargetDBSetupTask).
    actions = context.session.query(
        action.id, action.instance_uuid, action.request_id, action.action,
    ).filter(
        action.instance_uuid.in_(uuids),
        action.action.in_(('rebuild', 'unshelve')),
        action.deleted == 0).order_by(action.start_time, action.id).all()
    for action_id, name, result in context.session.query(
            event.action_id, event.event, event.result).filter(
                event.action_id.in_([each.id for each in actions]),
                event.deleted == 0).order_by(event.id):
        events.setdefault(action_id, {})[name] = result
    found: dict[str, History] = {}
    for each in actions:
        history = found.setdefault(each.instance_uuid, History())
        of_action = events.get(each.id, {})
        if each.action == 'unshelve':
            history.unshelve_failed |= (
                of_action.get(_UNSHELVE_EVENT) == 'Error')
            continue
        outcome = _outcome(of_action)
        history.rebuilds[each.request_id] = outcome
        if outcome is not known.Rebuild.REFUSED:
            history.unshelve_failed = False
    return found


def _outcome(events: dict[str, str | None]) -> known.Rebuild:
    if _COMPUTE_EVENT in events:
        return known.Rebuild.ACCEPTED
    return {
        'Error': known.Rebuild.REFUSED,
        'Success': known.Rebuild.ACCEPTED,
        None: known.Rebuild.UNDER_WAY,
    }.get(events.get(_CONDUCTOR_EVENT, ''), known.Rebuild.UNKNOWN)


@_retried
def change(
    context: Any, before: Instance, metadata: remembered.Metadata,
    columns: remembered.Columns,
) -> bool:
    """Give an instance other image metadata, and values for its columns.

    Nothing is written, and False returned, if the instance is not as *before*
    any more, or is busy (it has a task_state). Metadata of other kinds are
    left alone, whoever writes them.

    :param context: targeted at the cell of the instance
    :param metadata: what its image metadata should be, and what is remembered
    :raises oslo_db.exception.DBError: if the database fails
    """
    try:
        _change(context, before, metadata, columns)
    except _Moved:
        return False
    return True


@db.pick_context_manager_writer
def _change(
    context: Any, before: Instance, metadata: remembered.Metadata,
    columns: remembered.Columns,
) -> None:
    rows = _lock(context, before, dict(columns))
    for row in rows:
        if row.key not in metadata:
            # For good, as Nova does: a soft-deleted row would show up again
            # where deleted instances are read.
            context.session.delete(row)
        elif row.value != metadata[row.key]:
            row.value = metadata[row.key]
    for key in metadata.keys() - {row.key for row in rows}:
        context.session.add(models.InstanceSystemMetadata(
            instance_uuid=before.uuid, key=key, value=metadata[key]))


@_retried
def unchanged(
    context: Any, before: Instance, then: Callable[[], None]
) -> bool:
    """Call *then* while the instance is as *before*, and stays so.

    An action of Nova's begins with an update of the same row, and waits.

    :param context: targeted at the cell of the instance
    :returns: whether it was as before; else *then* has not been called
    :raises oslo_db.exception.DBError: if the database fails
    """
    try:
        _unchanged(context, before, then)
    except _Moved:
        return False
    return True


@db.pick_context_manager_writer
def _unchanged(
    context: Any, before: Instance, then: Callable[[], None]
) -> None:
    _lock(context, before, {})
    then()


def _lock(
    context: Any, before: Instance, columns: dict[str, Any]
) -> list[Any]:
    """Lock an instance, and return the rows of its metadata.

    :raises _Moved: if it is not as before
    """
    # This update comes first: it locks the row, so that what is read next
    # stays true until the end. Nova begins with the same row.
    matched = context.session.query(models.Instance).filter(
        _shown(), models.Instance.task_state.is_(None),
    ).filter_by(uuid=before.uuid, **before.columns).update(
        dict(columns, updated_at=timeutils.utcnow()),
        synchronize_session=False)
    if not matched:
        raise _Moved()
    rows = _metadata(context, [before.uuid]).with_for_update().all()
    if {row.key: row.value for row in rows} != before.metadata:
        raise _Moved()
    return list(rows)
