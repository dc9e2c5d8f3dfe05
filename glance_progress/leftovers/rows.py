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

"""Reads Glance's database: a few columns of many rows, and writes nothing.

Glance's own lists make an object of each row, with all of its properties, and
that of tasks begins with an UPDATE.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
import datetime
import json
from typing import Any

from glance.common import crypt
from glance.db.sqlalchemy import api as db_api
from glance.db.sqlalchemy import models
from oslo_config import cfg
from oslo_db import exception as db_exception
import sqlalchemy
from sqlalchemy import exc as database_errors

from glance_progress.leftovers import facts
from glance_progress.leftovers import judgement

#: What the database raises.
FAILURES = (database_errors.SQLAlchemyError, db_exception.DBError,
            db_exception.CantStartEngineError)

_LOCK = 'os_glance_import_task'
_IMPORTING_TO = 'os_glance_importing_to_stores'
_STAGE_HOST = 'os_glance_stage_host'
_PROPERTIES = (_LOCK, _IMPORTING_TO, _STAGE_HOST, 'image_type')
# Statuses of locations whose data a parallel import has yet to bring.
_YET_TO_COME = ('pending', 'uploading')
_PAGE = 500


def locations() -> Iterator[tuple[str, str]]:
    """Return image id and URL of each location that has data.

    With those that the scrubber has yet to delete.
    """
    location = models.ImageLocation
    for row in _rows(sqlalchemy.select(
            location.image_id, location.value).where(_with_data())):
        yield row[0], _decrypted(row[1])


def suspects() -> set[str]:
    """Return the ids of images whose data are on their way, or are locked."""
    image, prop = models.Image, models.ImageProperty
    found = {row[0] for row in _rows(sqlalchemy.select(image.id).where(
        image.status.in_(judgement.TRANSIT),
        image.deleted == sqlalchemy.false()))}
    found.update(row[0] for row in _rows(sqlalchemy.select(
        prop.image_id).where(
            prop.name == _LOCK, prop.deleted == sqlalchemy.false())))
    location = models.ImageLocation
    found.update(row[0] for row in _rows(sqlalchemy.select(
        location.image_id).where(_placeholder())))
    return found


def tasks_under_way() -> list[facts.Task]:
    """Return the tasks that have not ended."""
    return _tasks(models.Task.status.in_(judgement.UNDER_WAY))


def tasks(ids: Iterable[str]) -> list[facts.Task]:
    """Return the tasks of *ids*, whatever their status."""
    return [task for page in _pages(ids)
            for task in _tasks(models.Task.id.in_(page))]


def images(ids: Iterable[str]) -> dict[str, facts.Row]:
    """Return the rows of images, also of deleted ones."""
    found: dict[str, facts.Row] = {}
    for page in _pages(ids):
        found.update(_images(page))
    return found


def _images(ids: list[str]) -> Iterator[tuple[str, facts.Row]]:
    image, prop, location = (
        models.Image, models.ImageProperty, models.ImageLocation)
    properties: dict[str, dict[str, str]] = {}
    for image_id, name, value in _rows(sqlalchemy.select(
            prop.image_id, prop.name, prop.value).where(
                prop.image_id.in_(ids), prop.name.in_(_PROPERTIES),
                prop.deleted == sqlalchemy.false())):
        properties.setdefault(image_id, {})[name] = value
    stores: dict[str, set[str]] = {}
    # Without Glance's own type, which SQLAlchemy warns of; and without those
    # that a parallel import has yet to fill.
    meta_data = sqlalchemy.literal_column(
        'image_locations.meta_data', sqlalchemy.Text)
    filled = sqlalchemy.select(location.image_id, meta_data).where(
        location.image_id.in_(ids), _with_data(),
        location.status.notin_(_YET_TO_COME))
    for image_id, meta in _rows(filled):
        stores.setdefault(image_id, set()).add(
            json.loads(meta or '{}').get('store', ''))
    placeholders: dict[str, list[int]] = {}
    for image_id, row_id in _rows(sqlalchemy.select(
            location.image_id, location.id).where(
                location.image_id.in_(ids), _placeholder())):
        placeholders.setdefault(image_id, []).append(row_id)
    for image_id, status, deleted, updated_at in _rows(sqlalchemy.select(
            image.id, image.status, image.deleted, image.updated_at).where(
                image.id.in_(ids))):
        its = properties.get(image_id, {})
        yield image_id, facts.Row(
            status, bool(deleted), _seconds(updated_at), its.get(_LOCK),
            tuple(filter(None, (its.get(_IMPORTING_TO) or '').split(','))),
            its.get(_STAGE_HOST), its.get('image_type') == 'snapshot',
            tuple(sorted(stores.get(image_id, ()))),
            tuple(sorted(placeholders.get(image_id, ()))))


def _tasks(condition: Any) -> list[facts.Task]:
    task, info = models.Task, models.TaskInfo
    # Without Glance's own type, as above.
    asked = sqlalchemy.literal_column('task_info.input', sqlalchemy.Text)
    return [facts.Task(row[0], row[1], row[2], _seconds(row[3]),
                       _seconds(row[4]), row[5], _method(row[6]))
            for row in _rows(sqlalchemy.select(
                task.id, task.type, task.status, task.created_at,
                task.updated_at, task.image_id, asked).outerjoin(
                    info, info.task_id == task.id).where(
                        condition, task.deleted == sqlalchemy.false()))]


def _method(asked: str | None) -> str | None:
    """Return the method of an import, by what a task was made with."""
    try:
        return str(json.loads(asked or '')['import_req']['method']['name'])
    except (ValueError, KeyError, TypeError):
        return None


def _with_data() -> Any:
    location = models.ImageLocation
    return sqlalchemy.or_(location.deleted == sqlalchemy.false(),
                          location.status == 'pending_delete')


def _placeholder() -> Any:
    location = models.ImageLocation
    return sqlalchemy.and_(location.deleted == sqlalchemy.false(),
                           location.status.in_(_YET_TO_COME))


def _rows(query: Any) -> Iterator[Any]:
    with db_api.get_engine().connect() as connection:
        yield from connection.execute(query)


def _pages(ids: Iterable[str]) -> Iterator[list[str]]:
    every = sorted(set(ids))
    for at in range(0, len(every), _PAGE):
        yield every[at:at + _PAGE]


def _decrypted(url: str) -> str:
    key = cfg.CONF.metadata_encryption_key
    return str(crypt.urlsafe_decrypt(key, url)) if key else url


def _seconds(moment: datetime.datetime | None) -> float:
    if moment is None:
        return 0.0
    return moment.replace(tzinfo=datetime.timezone.utc).timestamp()
