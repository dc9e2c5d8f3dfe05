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

"""Finds the images in transit, as far as the caller may see them."""

from __future__ import annotations

import datetime
import time
from typing import Any

from glance.api.v2 import policy as api_policy
from glance.common import exception
from glance.db.sqlalchemy import api as db_api
from glance.db.sqlalchemy import models
from oslo_config import cfg
import sqlalchemy
import webob.exc

from glance_progress.answer import database
from glance_progress.answer import of_nova
from glance_progress.records import store_names

#: Seconds for which the list of images that are being imported is kept.
_TASKS_AGE = 1.0


def image_of(image: Any) -> database.Image:
    """Return what counts of Glance's *image*, as the caller may see it."""
    properties = image.extra_properties
    importing = bool(properties.get('os_glance_import_task'))
    unnamed = None if cfg.CONF.enabled_backends else store_names.UNNAMED
    stores = (location.get('metadata', {}).get('store', unnamed)
              for location in image.locations)
    return database.Image(
        image_id=image.image_id, name=image.name, owner=image.owner,
        status=image.status, size=image.size,
        stores=frozenset(store for store in stores if store),
        targets=_stores(properties.get('os_glance_importing_to_stores')),
        failed=_stores(properties.get('os_glance_failed_import')),
        importing=importing,
        of_server=of_nova.of_server(properties),
        disk_format=image.disk_format, min_disk=image.min_disk or 0,
        volume_snapshots=of_nova.volume_snapshots(properties),
        hashing=bool(
            importing and image.status in ('active', 'importing')
            and getattr(image, 'os_hash_algo', None)
            and not image.os_hash_value),
        created_at=seconds(image.created_at),
        changed_at=seconds(image.updated_at),
        import_task=properties.get('os_glance_import_task') or None)


def seconds(time: datetime.datetime | None) -> float | None:
    """Return a time of Glance's, seconds since the epoch."""
    if time is None:
        return None
    if time.tzinfo is None:
        time = time.replace(tzinfo=datetime.timezone.utc)
    return time.timestamp()


def _stores(text: str | None) -> frozenset[str]:
    """Return the stores that a property of an import lists in *text*."""
    return frozenset(name for name in (text or '').split(',') if name)


class Transit:
    """Lists images that are being uploaded, staged, imported or copied.

    :param controller: one of Glance's, whose gateway and policy are used
    """

    def __init__(self, controller: Any) -> None:
        self._gateway = controller.gateway
        self._policy = controller.policy
        self._importing: tuple[float, list[str]] = (0.0, [])

    def page(
        self, req: Any, marker: str | None, limit: int | None
    ) -> tuple[list[database.Image], str | None]:
        """Return a page of images, newest first, and the marker of the next.

        :raises webob.exc.HTTPBadRequest: there is no such marker
        :raises webob.exc.HTTPForbidden: the caller may not list images
        """
        conf = cfg.CONF
        limit = min(conf.api_limit_max,
                    conf.limit_param_default if limit is None else limit)
        try:
            self._policy.enforce(req.context, 'get_images',
                                 {'project_id': req.context.project_id})
            found = self._found(req, marker, limit)
        except exception.NotFound as exc:
            raise webob.exc.HTTPBadRequest(explanation=exc.msg)
        except exception.Forbidden as exc:
            raise webob.exc.HTTPForbidden(explanation=exc.msg)
        except exception.NotAuthenticated as exc:
            raise webob.exc.HTTPUnauthorized(explanation=exc.msg)
        # An image that becomes active in between is in both.
        found = sorted(
            {image.image_id: image for image in found}.values(),
            key=lambda image: (image.created_at, image.image_id),
            reverse=True)[:limit]
        visible = (
            image_of(image) for image in found
            if api_policy.ImageAPIPolicy(
                req.context, image, self._policy).check('get_image'))
        more = bool(limit) and len(found) == limit
        return ([image for image in visible if self._counts(image)],
                found[-1].image_id if more else None)

    def _found(
        self, req: Any, marker: str | None, limit: int
    ) -> list[Any]:
        """Return the first *limit* images of each kind, behind *marker*."""
        found = self._not_hidden(
            req, marker, limit, {'status': 'in:saving,uploading,importing'})
        # Copying leaves an image active, and property filters know equality
        # only: it is found by its task.
        importing = self._importing_ids()
        if importing:
            found += self._not_hidden(
                req, marker, limit,
                {'status': 'active', 'id': 'in:' + ','.join(importing)})
        return found

    def _not_hidden(
        self, req: Any, marker: str | None, limit: int,
        filters: dict[str, Any],
    ) -> list[Any]:
        """Return what Glance's list has, and hidden ones of the caller's."""
        filters = {'deleted': False, **filters}
        found = self._list(
            req, marker, limit, {**filters, 'os_hidden': False})
        if req.context.owner is not None:
            found += self._list(req, marker, limit, {
                **filters, 'os_hidden': True, 'owner': req.context.owner})
        return found

    def _counts(self, image: database.Image) -> bool:
        """Tell whether *image*, which was found, belongs to the list."""
        return image.in_transit

    def _list(
        self, req: Any, marker: str | None, limit: int,
        filters: dict[str, Any],
    ) -> list[Any]:
        """Return Glance's images that *filters* select, the newest first."""
        repo = self._gateway.get_repo(req.context)
        return list(repo.list(
            marker=marker, limit=limit, sort_key=['created_at'],
            sort_dir=['desc'], filters=filters,
            member_status='accepted'))

    def _importing_ids(self) -> list[str]:
        """Return the ids of the images that an import task works on.

        Glance's own function for tasks is not used: it begins with an UPDATE.
        """
        read_at, ids = self._importing
        if time.monotonic() - read_at > _TASKS_AGE:
            task = models.Task
            query = sqlalchemy.select(task.image_id).where(
                task.type.in_(('api_image_import', 'location_import')),
                task.status.in_(('pending', 'processing')),
                task.deleted == sqlalchemy.false(),
                task.image_id.is_not(None))
            with db_api.get_engine().connect() as connection:
                ids = sorted({row[0] for row in connection.execute(query)})
            self._importing = (time.monotonic(), ids)
        return ids
