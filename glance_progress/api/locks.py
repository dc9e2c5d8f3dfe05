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
"""Reads what Glance's database knows of the locks that imports hold."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses

from glance.db.sqlalchemy import api as db_api
from glance.db.sqlalchemy import models
from oslo_log import log as logging
import sqlalchemy

from glance_progress.answer import database
from glance_progress.api import transit
from glance_progress import warning

LOG = logging.getLogger(__name__)

_fault = warning.Hourly(LOG)


def locked(page: Sequence[database.Image]) -> list[database.Image]:
    """Return the images of *page*, with their locks.

    One query, and none where no image is locked.
    """
    ids = {each.import_task for each in page if each.import_task}
    try:
        tasks = _tasks(ids) if ids else {}
    except Exception as exc:
        _fault.say('Images are shown without locks of imports.', exc=exc)
        return list(page)
    # A lock whose task is gone counts as one that nobody holds.
    return [each if each.import_task is None else dataclasses.replace(
        each, lock=tasks.get(each.import_task, database.Lock()))
        for each in page]


def _tasks(ids: set[str]) -> dict[str, database.Lock]:
    # Not by Glance's own function, which begins with an UPDATE.
    task = models.Task
    query = sqlalchemy.select(
        task.id, task.status, task.created_at, task.updated_at,
        task.type, task.request_id).where(
            task.id.in_(sorted(ids)), task.deleted == sqlalchemy.false())
    with db_api.get_engine().connect() as connection:
        return {row[0]: database.Lock(
            status=row[1], since=transit.seconds(row[2]),
            updated_at=transit.seconds(row[3]),
            locating=row[4] == 'location_import',  # since 29
            request_id=row[5])
            for row in connection.execute(query)}
