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

"""Reads the progress of images from glance-api, for scripts.

::

   from glance_progress import client

   for snapshot in client.watch(session, image_id):
       print(snapshot['phase'], snapshot['percent'])

*session* is a keystoneauth1 session or, where region, interface or endpoint
matter, an adapter for the image service. A snapshot is the dictionary that
``GET /v2/images/{image_id}/progress`` answers. Errors of keystoneauth1 pass
through; those of this module are ProgressError.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
import logging
import re
import time
from typing import Any
from typing import Union
from urllib import parse

from keystoneauth1 import adapter
from keystoneauth1 import exceptions
from keystoneauth1 import session as ks_session

from glance_progress.records import wire

LOG = logging.getLogger(__name__)

Session = Union[ks_session.Session, adapter.Adapter]
Snapshot = dict[str, Any]

#: Seconds that an answer may take, and in which a server that has answered
#: before may fail to. A restart of glance-api takes less.
PATIENCE = 60

#: Seconds that a server may ask to wait for; more is a mistake of something on
#: the way to it.
_LATEST = 60

# They change with each look, also when the image does not.
_CLOCKS = ('age', 'eta', 'bytes_per_second')

# Phases in which Ceph is looked at, and of which no trace is left when it does
# not answer: Glance has the image queued all the time.
_BESIDE = ('queued', wire.PREPARING, wire.FLATTENING, wire.REGISTERING)


class ProgressError(Exception):
    """There is no progress to be had."""


class NoProgressApi(ProgressError):

    def __init__(self) -> None:
        super().__init__('This glance-api has no progress extension.')


class ImageNotFound(ProgressError):

    def __init__(self, image_id: str) -> None:
        super().__init__('There is no image %s.' % image_id)


class ImageDeleted(ProgressError):
    """The image is gone.

    :ivar failure: ``last_failure`` of its last snapshot; None when its data
        had not failed, or that is known no more
    """

    def __init__(
        self, image_id: str, failure: dict[str, Any] | None = None
    ) -> None:
        text = 'Image %s has been deleted.' % image_id
        if failure:
            text += ' Before, it had failed: %s' % failure['failure']
        super().__init__(text)
        self.failure = failure


class NothingHappens(ProgressError):

    def __init__(self, snapshot: Snapshot, timeout: float) -> None:
        super().__init__('Nothing has happened to image %s for %g s; it is %s.'
                         % (snapshot['image_id'], timeout, snapshot['status']))


class Api:
    """Asks glance-api, by the session or adapter that it is given.

    :ivar base: its address, without the version
    """

    def __init__(self, session: Session) -> None:
        if not isinstance(session, adapter.Adapter):
            session = adapter.Adapter(session, service_type='image')
        endpoint = session.get_endpoint()
        if not endpoint:
            raise exceptions.EndpointNotFound()
        # Catalogs have it with and without the version.
        self.base = re.sub(r'(/v2(\.\d+)?)?/*$', '', endpoint)
        self._adapter = session
        #: Seconds after which the last answer asks to look again
        self.retry_after = 0.0

    @property
    def project(self) -> str | None:
        """Return the id of the caller's project; None when it has none."""
        return self._adapter.get_project_id()

    def get(self, path: str, timeout: float = PATIENCE) -> Any:
        """Return what JSON *path*, from /v2 on, answers.

        :param timeout: seconds in which it has to
        :raises exceptions.ClientException: when it answers an error or none
        """
        self.retry_after = 0.0
        answer = self.request('GET', path, timeout=timeout)
        try:
            return answer.json()
        except ValueError as exc:
            # Before urllib3 2 a body that is cut off is no error.
            raise exceptions.ConnectFailure(
                'What %s answers is no JSON' % self.base) from exc

    def request(self, method: str, path: str, **kwargs: Any) -> Any:
        """Return the answer to a request, *path* being from /v2 on.

        :param kwargs: as keystoneauth1's sessions take them
        :raises exceptions.ClientException: when it is an error, or there is
            none
        """
        answer = self._adapter.request(
            self.base + path, method, raise_exc=False, **kwargs)
        self.retry_after = _seconds(answer.headers.get('Retry-After'))
        if answer.status_code >= 400:
            raise exceptions.from_response(answer, method, answer.url)
        return answer

    def show(self, image_id: str) -> Snapshot:
        """Return the progress of an image, and raise as show() does."""
        path = '/v2/images/' + parse.quote(image_id, safe='')
        try:
            return self.get(path + '/progress')
        except exceptions.NotFound:
            pass
        try:
            self.get(path)
        except exceptions.NotFound:
            raise ImageNotFound(image_id) from None
        raise NoProgressApi


def show(session: Session, image_id: str) -> Snapshot:
    """Return the progress of an image.

    :raises ImageNotFound: also for one that the caller may not see
    :raises NoProgressApi: when glance-api has no such resource
    """
    return Api(session).show(image_id)


def version(session: Session) -> str:
    """Return the version of the progress extension, such as ``1.1``.

    :raises NoProgressApi: when glance-api has no such extension
    """
    try:
        found = Api(session).get('/v2/info/progress?limit=0')
    except exceptions.NotFound:
        raise NoProgressApi from None
    return str(found.get('version', '1.0'))


def list_images(
    session: Session, failed: bool = False
) -> Iterator[Snapshot]:
    """Yield the progress of each image in transit that the caller may see.

    The next page is fetched when it is asked for.

    :param failed: yield those of the caller's project that have failed, also
        when they were deleted since; for an admin those of all projects
    :raises NoProgressApi: when glance-api has no such resource
    """
    for page in pages(Api(session), failed):
        yield from page['images']


def pages(
    api: Api, failed: bool = False, limit: int | None = None,
    timeout: float = PATIENCE,
) -> Iterator[dict[str, Any]]:
    """Yield each page of what list_images() goes through, as it is answered.

    The next page is fetched when it is asked for. The ``retry_after`` of
    *api* is then that of the last one.

    :param limit: images a page, as the server has it by default
    :param timeout: seconds that the server may take for a page
    :raises NoProgressApi: when glance-api has no such resource
    """
    wanted = {'failed': 'true'} if failed else {}
    if limit is not None:
        wanted['limit'] = str(limit)
    query = parse.urlencode(wanted)
    while True:
        path = '/v2/info/progress' + ('?' + query if query else '')
        try:
            page = api.get(path, timeout)
        except exceptions.NotFound:
            raise NoProgressApi from None
        yield page
        if 'next' not in page:
            return
        # Its path is of no use where a proxy has put one before Glance's.
        query = parse.urlsplit(page['next']).query


def watch(
    session: Session, image_id: str, interval: float = 1.0,
    timeout: float | None = None,
) -> Iterator[Snapshot]:
    """Yield the progress of an image now, and each time that it has changed.

    It ends when the image is done or has failed, which includes one that is
    back in ``queued``. At a failure that is older than a minute at the first
    look the next attempt is waited for, without *timeout* for PATIENCE. A
    store that has stalled may go on, and what is ``queued`` may begin, so that
    neither is an end. A server that fails to answer for less than PATIENCE is
    waited for, except at the first look.

    :param interval: seconds between two looks, or more where the server asks
        for that
    :param timeout: seconds to wait while nothing changes; None waits for as
        long as there is the image
    :raises NothingHappens: after *timeout*
    :raises ImageDeleted: when it was there before, or has failed before it
        was deleted
    :raises ImageNotFound: also for one that the caller may not see
    :raises NoProgressApi: when glance-api has no such resource
    """
    api = Api(session)
    last: Snapshot | None = None
    begun = False
    old: Snapshot | None = None
    first = moved = answered = time.monotonic()
    while True:
        try:
            snapshot = api.show(image_id)
        except ImageNotFound:
            if last is None:
                raise
            raise ImageDeleted(image_id) from None
        except exceptions.ClientException as exc:
            if (last is None or not passes(exc)
                    or time.monotonic() - answered > PATIENCE):
                raise
            LOG.info('Trying again: %s', exc)
        else:
            if snapshot['status'] in ('deleted', 'pending_delete'):
                raise ImageDeleted(image_id, snapshot['last_failure'])
            changed = last is None or _timeless(snapshot) != _timeless(last)
            advanced = last is None or _moving(snapshot) != _moving(last)
            if last is None and _failed_long_ago(snapshot):
                old = _timeless(snapshot)
            last = snapshot
            if changed:
                yield snapshot
            if old is None or _timeless(snapshot) != old:
                old = None
                begun = begun or snapshot['phase'] not in _BESIDE
                if (snapshot['phase'] in ('done', 'failed')
                        or begun and snapshot['phase'] == 'queued'):
                    return
            elif timeout is None and time.monotonic() - first > PATIENCE:
                return
            # Not before: whoever takes the snapshot may take time as well.
            answered = time.monotonic()
            if advanced:
                moved = answered
            if timeout is not None and answered - moved > timeout:
                raise NothingHappens(snapshot, timeout)
        time.sleep(max(interval, api.retry_after))


def _seconds(retry_after: str | None) -> float:
    """Return how long a header asks to wait, 0 where it has no seconds."""
    if retry_after is None or not retry_after.strip().isdecimal():
        return 0.0  # a date is by a clock that may be wrong
    return min(float(retry_after), _LATEST)


def passes(exc: exceptions.ClientException) -> bool:
    """Tell whether the next request may well succeed."""
    status = getattr(exc, 'http_status', 0) or 0
    return (isinstance(exc, exceptions.ConnectionError)
            or status == 429 or status >= 500)


def _timeless(snapshot: Snapshot) -> Snapshot:
    """Return *snapshot* without what changes as time goes by."""
    return _without(snapshot, _CLOCKS)


def _moving(snapshot: Snapshot) -> Snapshot:
    """Return *snapshot* with what changes when something happens alone."""
    return _without(snapshot, (*_CLOCKS, 'stalled'))


def _without(snapshot: Snapshot, names: Sequence[str]) -> Snapshot:
    """Return *snapshot* without fields of that name of what is counted."""
    counted = {**snapshot, 'stores': [
        _rest(store, names) for store in snapshot['stores']]}
    if snapshot.get('hashed'):  # since 1.2
        counted['hashed'] = _rest(snapshot['hashed'], names)
    return counted


def _rest(fields: Snapshot, names: Sequence[str]) -> Snapshot:
    return {name: value for name, value in fields.items()
            if name not in names}


def _failed_long_ago(snapshot: Snapshot) -> bool:
    """Tell whether the image has failed more than wire.OLD seconds ago."""
    ages = [store['age'] for store in snapshot['stores']
            if store['state'] == wire.FAILED]
    return (snapshot['phase'] == 'failed' and bool(ages)
            and all(age is not None and age > wire.OLD for age in ages))
