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

"""Answers GET /v2/images/{image_id}/progress and GET /v2/info/progress."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import time
from typing import Any
from urllib import parse

from glance.api.v2 import images
from glance.common import wsgi
from oslo_config import cfg
from oslo_log import log as logging
import webob.exc

from glance_progress.answer import database
from glance_progress.answer import pace
from glance_progress.answer import phases
from glance_progress.answer import recent
from glance_progress.answer import reconcile
from glance_progress.answer import shown
from glance_progress.api import failures
from glance_progress.api import locks
from glance_progress.api import transit
from glance_progress.ceph import lookout
from glance_progress.records import memcached
from glance_progress.records import reader
from glance_progress.records import store_names
from glance_progress.records import wire
from glance_progress import section
from glance_progress import warning

LOG = logging.getLogger(__name__)

LIST_PATH = '/v2/info/progress'

#: Version of what the two calls answer; it grows with each field.
VERSION = '1.4'

# Seconds from which on an image is looked for in Ceph: most are uploaded, and
# have begun by then.
_LOOKED_AT_FROM = 2.0

_fault = warning.Hourly(LOG)


class Controller(images.ImagesController):
    """Shows images as Glance's own controller does, and how far they are."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._transit = transit.Transit(self)
        self._failures = failures.Failures(self)
        self._recent = recent.Recent()
        self._queue = pace.Queue()

    def show_progress(self, req: Any, image_id: str) -> dict[str, Any]:
        caller = recent.caller(_context(req))
        before = self._recent.get(caller, image_id)
        if before is not None and before.fresh:
            records = _records([before.image])[image_id]
            if recent.uploads(records.values()) == before.uploads:
                return self._shown(req, before.image, records)
        # Who may not see the image does not get past this.
        try:
            image, records, uploads = self._read(
                req, image_id, before and before.uploads)
        except webob.exc.HTTPNotFound:
            answer = self._deleted(req, image_id)
            if answer is None:
                raise
            return answer
        self._recent.put(caller, image, uploads)
        return self._shown(req, image, records)

    def _read(
        self, req: Any, image_id: str, known: recent.Uploads | None
    ) -> tuple[database.Image, _Records, recent.Uploads | None]:
        """Return an image, and which uploads of it there are records of.

        An upload that was not known before may have begun after the image was
        read, which would be shown as it was without it: it is read again.

        :param known: the uploads that the caller was shown last
        """
        for _ in range(2):
            image, = locks.locked([transit.image_of(self.show(req, image_id))])
            records = _records([image])[image.image_id]
            uploads = recent.uploads(records.values())
            if uploads is None or uploads == known:
                break
            known = uploads
        return image, records, uploads

    def _deleted(self, req: Any, image_id: str) -> dict[str, Any] | None:
        """Return why a deleted image of the caller's has failed, if so."""
        try:
            image = self._failures.deleted(req, image_id)
            if image is not None:
                answer = self._shown(
                    req, image, _records([image])[image.image_id])
                return answer if answer['snapshot']['last_failure'] else None
        except Exception as exc:
            _fault.say('A deleted image is not shown.', exc=exc)
        return None

    def list_progress(
        self, req: Any, marker: str | None = None, limit: int | None = None,
        failed: bool = False,
    ) -> dict[str, Any]:
        _context(req)
        listed = self._failures if failed else self._transit
        page, next_marker = listed.page(req, marker, limit)
        page = locks.locked(page)
        records = _records(page)
        images = [
            self._describe(
                req, image, records[image.image_id], look=not failed)
            for image in page]
        if failed:
            images = [
                answer for image, answer in zip(page, images)
                if answer['last_failure'] or (
                    answer['phase'] == phases.FAILED and not image.deleted)]
        return {'images': images, 'next_marker': next_marker,
                'memcached': _health(req) if marker is None else None,
                'retry_after': self._queue.next(pace.of_list(images))}

    def _shown(
        self, req: Any, image: database.Image, records: _Records
    ) -> dict[str, Any]:
        """Return the answer for *image*, and when to look again."""
        snapshot = self._describe(req, image, records)
        wanted = pace.of(snapshot)
        return {'snapshot': snapshot, 'retry_after': (
            None if wanted is None else self._queue.next(wanted))}

    def _describe(
        self, req: Any, image: database.Image, records: _Records,
        look: bool = True,
    ) -> dict[str, Any]:
        """Return the answer for *image*, of which *records* tell.

        :param look: whether to have Ceph looked at, where data may come to be
            without Glance
        """
        told: Mapping[str, wire.Record] = records
        if image.deleted:
            told = reconcile.of_deleted(records)
        elif look:
            _look(cfg.CONF, image, records)
        values = cfg.CONF[section.NAME]
        return shown.describe(
            image, told, time.time(), values.stalled_after,
            admin=req.context.is_admin,
            owner=(image.owner is not None
                   and image.owner == req.context.project_id),
            silent_after=values.record_ttl if records.complete else None)


def _health(req: Any) -> dict[str, int] | None:
    """Return how many memcached servers there are, for administrators.

    Images alone do not tell: where none is under way nothing is missing.
    """
    if not req.context.is_admin:
        return None
    client = memcached.get(cfg.CONF)
    return {'servers': len(client.servers), 'answering': client.answering()}


class _Records(dict[str, wire.Record]):
    """What memcached holds of an image, by place.

    :ivar complete: whether memcached has answered
    """

    complete = False


def _context(req: Any) -> Any:
    """Return the context of *req*.

    :raises webob.exc.HTTPException: Glance's middleware has refused the
        request, for the length of its id, and has left that in the place of
        the context instead of answering with it
    """
    if isinstance(req.context, webob.exc.HTTPException):
        raise req.context
    return req.context


def _records(page: Sequence[database.Image]) -> dict[str, _Records]:
    """Return what memcached holds of each image."""
    found = reader.get(cfg.CONF).read(
        [image.image_id for image in page],
        [*store_names.all_of(cfg.CONF), wire.LOOKED, wire.HASHED])
    by_image = {image.image_id: _Records() for image in page}
    for records in by_image.values():
        records.complete = found is not None
    for (image_id, place), record in (found or {}).items():
        by_image[image_id][place] = record
    return by_image


def _look(
    conf: cfg.ConfigOpts, image: database.Image,
    records: dict[str, wire.Record],
) -> None:
    """Have Ceph looked at, if an image may come to be there by itself.

    What is known then is put to *records*.
    """
    if not image.awaited or image.created_at is None or (
            time.time() - image.created_at < _LOOKED_AT_FROM):
        return
    if any(record.state == wire.UPLOADING and reconcile.fresh(
            record, time.time()) for record in
            reconcile.of_stores(records).values()):
        return  # it has just begun, or ended
    try:
        seen = lookout.get(conf).ask(
            image.image_id, records.get(wire.LOOKED))
    except Exception as exc:
        _fault.say('An image is shown without a look at Ceph.', exc=exc)
        return
    if seen is not None:
        records[wire.LOOKED] = seen


class Deserializer(images.RequestDeserializer):
    """Takes what it knows of a query, and ignores the rest."""

    def has_body(self, request: Any) -> bool:
        """Tell whether there is a body, also a chunked one.

        Glance looks for those in requests that may have a body alone.
        """
        return bool(super().has_body(request)) or (
            'chunked' in request.headers.get('transfer-encoding', '').lower())

    def show_progress(self, request: Any) -> dict[str, Any]:
        return {}

    def list_progress(self, request: Any) -> dict[str, Any]:
        query: dict[str, Any] = {}
        if 'limit' in request.params:
            query['limit'] = self._validate_limit(request.params['limit'])
        if 'marker' in request.params:
            query['marker'] = request.params['marker']
        if 'failed' in request.params:
            query['failed'] = _boolean('failed', request.params['failed'])
        return query


class Serializer(wsgi.JSONResponseSerializer):
    """Writes answers that no cache may keep, and links to pages of a list."""

    def show_progress(self, response: Any, result: dict[str, Any]) -> None:
        self._write(response, result, result['snapshot'])

    def list_progress(self, response: Any, result: dict[str, Any]) -> None:
        query = dict(response.request.params)
        query.pop('marker', None)
        body = {'version': VERSION, 'images': result['images'],
                'memcached': result['memcached'], 'first': _link(query)}
        if result['next_marker']:
            body['next'] = _link({**query, 'marker': result['next_marker']})
        self._write(response, result, body)

    def _write(
        self, response: Any, result: dict[str, Any], body: dict[str, Any]
    ) -> None:
        self.default(response, body)
        response.headers['Cache-Control'] = 'no-store'
        if result['retry_after'] is not None:
            response.headers['Retry-After'] = str(result['retry_after'])


def _boolean(name: str, text: str) -> bool:
    """Return what *text* says, in the words that Glance's list takes."""
    if text.lower() not in ('true', 'false'):
        raise webob.exc.HTTPBadRequest(explanation=(
            "Invalid value '%s' for '%s'. Valid values are 'true' or 'false'."
            % (text, name)))
    return text.lower() == 'true'


def _link(query: dict[str, str]) -> str:
    return LIST_PATH + ('?' + parse.urlencode(query) if query else '')
