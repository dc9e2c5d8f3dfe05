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

from collections.abc import Collection
from typing import Any
from typing import NamedTuple

from oslo_db import api as oslo_db_api
from oslo_utils import timeutils
from sqlalchemy import orm

try:
    from nova.db.main import api as db
    from nova.db.main import models
except ImportError:  # Wallaby (23) and older
    from nova.db.sqlalchemy import api as db
    from nova.db.sqlalchemy import models

from nova_snapshot_fix import base_image_ref
from nova_snapshot_fix import remembered


class Row(NamedTuple):
    """What takes a look at an instance; ``id`` orders those of a cell."""

    id: int
    uuid: str
    project_id: str | None
    image_ref: str | None
    task_state: str | None
    base_image_ref: str | None
    #: something that is not None when something is remembered
    remembered: str | None


class _Moved(Exception):
    """The instance is no longer as it was; ends the transaction."""


def change(
    context: Any,
    instance_uuid: str,
    image_ref: str | None,
    before: remembered.Metadata,
    after: remembered.Metadata,
    columns: remembered.Columns,
) -> bool:
    """Turn the image metadata *before* of an instance into *after*.

    Nothing is written, and False returned, if the instance is busy (it has a
    task_state), gone, has another image, or other image metadata than
    *before*. Metadata of other kinds are left alone, whoever writes them.

    :param context: targeted at the cell of the instance
    :param image_ref: the image that the instance must still have
    :param columns: values for columns of the instance itself
    :raises oslo_db.exception.DBError: if the database fails
    """
    try:
        _change(context, instance_uuid, image_ref,
                remembered.image_and_remembered(before),
                remembered.image_and_remembered(after), columns)
    except _Moved:
        return False
    return True


@oslo_db_api.wrap_db_retry(
    max_retries=5, retry_on_deadlock=True, inc_retry_interval=True)
@db.pick_context_manager_writer
def _change(
    context: Any,
    instance_uuid: str,
    image_ref: str | None,
    before: remembered.Metadata,
    after: remembered.Metadata,
    columns: remembered.Columns,
) -> None:
    # This update comes first: it locks the row, so that what is read next
    # stays true until the end. Nova begins with the same row.
    matched = context.session.query(models.Instance).filter_by(
        uuid=instance_uuid, deleted=0, task_state=None, image_ref=image_ref,
    ).update(dict(columns, updated_at=timeutils.utcnow()),
             synchronize_session=False)
    if not matched:
        raise _Moved()
    rows = {row.key: row for row in context.session.query(
        models.InstanceSystemMetadata).filter_by(
            instance_uuid=instance_uuid, deleted=0)}
    present = remembered.image_and_remembered(
        {key: row.value for key, row in rows.items()})
    if present != before:
        raise _Moved()
    for key in present.keys() - after.keys():
        # For good, as Nova does: a soft-deleted row would show up again
        # where deleted instances are read.
        context.session.delete(rows[key])
    for key, value in after.items():
        if key not in present:
            context.session.add(models.InstanceSystemMetadata(
                instance_uuid=instance_uuid, key=key, value=value))
        elif present[key] != value:
            rows[key].value = value


@db.pick_context_manager_reader
def rows(
    context: Any,
    after: int,
    limit: int,
    project_id: str | None = None,
    uuids: Collection[str] | None = None,
) -> list[Row]:
    """Return instances of a cell that are not deleted, ordered by id.

    :param context: targeted at the cell
    :param after: the id after which to begin
    :param limit: how many, at most
    :param project_id: of this project only
    :param uuids: of these only
    :raises oslo_db.exception.DBError: if the database fails
    """
    instance = models.Instance
    base = orm.aliased(models.InstanceSystemMetadata)
    memory = orm.aliased(models.InstanceSystemMetadata)
    query = context.session.query(
        instance.id, instance.uuid, instance.project_id, instance.image_ref,
        instance.task_state, base.value, memory.value)
    for alias, key in ((base, base_image_ref.KEY),
                       (memory, remembered.PREFIX + '0')):
        query = query.outerjoin(
            alias, (alias.instance_uuid == instance.uuid)
            & (alias.key == key) & (alias.deleted == 0))
    # Of the index on deleted, which the sum is of no use for, SQLite would
    # sort all that are left for each batch.
    query = query.filter(instance.deleted + 0 == 0, instance.id > after)
    if project_id is not None:
        query = query.filter(instance.project_id == project_id)
    if uuids is not None:
        query = query.filter(instance.uuid.in_(uuids))
    return [Row(*row) for row in query.order_by(instance.id).limit(limit)]
