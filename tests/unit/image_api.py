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

"""A server that answers as Glance, with our routes, and Keystone do."""

import json
import re
from urllib import parse

import fixtures

from glance_progress.answer import database
from glance_progress.answer import shown
from glance_progress.records import wire
from tests.unit import base
from tests.unit import web

OWNER = 'a1b2'

#: Answers that are none
HANG_UP = 'hang up'
CUT_OFF = 'cut off'

#: What an API says of memcached that has no such field.
NOT_TOLD = object()


def a_snapshot(status='saving', records=(), now=1010, **fields):
    """Return what the API answers."""
    image = database.Image(**{
        'image_id': base.IMAGE, 'name': 'cirros', 'owner': OWNER,
        'status': status, 'size': None, **fields})
    return shown.describe(
        image, {each.store: each for each in records}, now, stalled_after=60)


def uploading(written=250, **fields):
    return a_snapshot(
        records=[base.a_record(bytes_written=written, **fields)])


def finished():
    return a_snapshot('active', size=1000, stores=frozenset(['ceph']),
                      records=[base.a_record(state=wire.FINISHED,
                                             bytes_written=1000)])


def failed(status='queued', **fields):
    return a_snapshot(status, records=[base.a_record(**{
        'state': wire.FAILED, 'failure': 'No room.', **fields})])


class ImageApi(fixtures.Fixture):
    """The server, on loopback.

    :ivar images: what GET /v2/images knows, by id
    :ivar answers: to GET .../progress, one after the other, and the last one
        again and again: a snapshot, an HTTP status or one of the above
    :ivar retry_after: header that comes with these
    :ivar deleted: what GET .../progress alone knows, by id
    :ivar failed: what GET /v2/info/progress?failed=true has
    :ivar in_transit: what GET /v2/info/progress has, page by page
    :ivar memcached: what it says of memcached
    :ivar unauthorized: whether Keystone knows nobody
    """

    def __init__(self, prefix='', version='/v2'):
        self._prefix = prefix
        self._version = version
        self.images = {base.IMAGE: {'id': base.IMAGE, 'name': 'cirros'}}
        self.answers = []
        self.retry_after = None
        self.deleted = {}
        self.failed = []
        self.in_transit = [[]]
        self.extended = True
        self.memcached = NOT_TOLD
        self.unauthorized = False
        self.requests = []

    def _setUp(self):
        self.url = self.useFixture(web.Server(
            self._answer, methods=('GET', 'POST'),
            protocol_version='HTTP/1.1',
            wbufsize=-1,  # head and body in one packet: ACKs are slow
        )).url
        self.endpoint = self.url + self._prefix

    def _answer(self, request):
        if request.command == 'POST':
            self._authenticate(request)
        else:
            self._tell(request)

    def _authenticate(self, request):
        request.rfile.read(int(request.headers['Content-Length']))
        if self.unauthorized:
            self._send(request, 401, {'error': {
                'message': 'Who are you?', 'code': 401}})
        else:
            self._send(request, 201, self._token(), {
                'X-Subject-Token': 'token'})

    def _tell(self, request):
        url = parse.urlsplit(request.path)
        self.requests.append(request.path)
        path = url.path[len(self._prefix):]
        image = re.fullmatch('/v2/images/([^/]+)(/progress)?', path)
        if url.path == '/v3' or path in ('', '/', '/v2', '/v2/'):
            self._send(request, 200, self._versions(url.path))
        elif path == '/v2/images':
            wanted = parse.parse_qs(url.query).get('name', [None])[0]
            self._send(request, 200, {'images': [
                each for each in self.images.values()
                if wanted in (None, each['name'])]})
        elif url.path.startswith('/v3/'):
            self._send(request, 403, 'Keystone tells that to others.')
        elif path == '/v2/info/progress' and self.extended:
            self._list(request, parse.parse_qs(url.query))
        elif image and image[2] and image[1] in self.deleted:
            self._send(request, 200, self.deleted[image[1]])
        elif not image or image[1] not in self.images:
            self._send(request, 404, 'No image found')
        elif not image[2]:
            self._send(request, 200, self.images[image[1]])
        elif self.extended:
            self._show(request)
        else:
            self._send(request, 404, 'The resource could not be found.')

    def _show(self, request):
        said = self.answers[0]
        if len(self.answers) > 1:
            del self.answers[0]
        if callable(said):
            said = said()
        if said == HANG_UP:
            request.close_connection = True
        elif said == CUT_OFF:
            self._send(request, 200, {}, missing=1)
            request.close_connection = True
        else:
            headers = {}
            if self.retry_after is not None:
                headers['Retry-After'] = self.retry_after.encode().decode(
                    'latin-1')
            if isinstance(said, int):
                self._send(request, said, 'no luck', headers)
            else:
                self._send(request, 200, said, headers)

    def _list(self, request, query):
        if query.get('failed') == ['true']:
            self._send(request, 200, {
                'version': '1.1', 'images': self.failed,
                'first': '/v2/info/progress?failed=true'})
            return
        page = int(query.get('marker', ['0'])[0])
        said = {'version': '1.1', 'images': self.in_transit[page],
                'first': '/v2/info/progress'}
        if self.memcached is not NOT_TOLD:
            said['memcached'] = self.memcached
        if page + 1 < len(self.in_transit):
            said['next'] = '/v2/info/progress?marker=%d' % (page + 1)
        self._send(request, 200, said)

    def _versions(self, path):
        if path == '/v3':
            return {'version': {'id': 'v3.14', 'status': 'stable', 'links': [
                {'rel': 'self', 'href': self.url + '/v3'}]}}
        return {'versions': [{'id': 'v2.16', 'status': 'CURRENT', 'links': [
            {'rel': 'self', 'href': self.endpoint + '/v2/'}]}]}

    def _token(self):
        return {'token': {
            'methods': ['password'], 'user': {
                'id': 'u', 'name': 'u', 'domain': {'id': 'd', 'name': 'd'}},
            'project': {'id': OWNER, 'name': 'demo', 'domain': {
                'id': 'd', 'name': 'd'}},
            'roles': [], 'issued_at': '2026-01-01T00:00:00.000000Z',
            'expires_at': '2199-01-01T00:00:00.000000Z',
            'catalog': [
                {'type': kind, 'id': kind, 'name': kind, 'endpoints': [{
                    'id': 'e', 'interface': 'public', 'region': 'r',
                    'region_id': 'r', 'url': url}]}
                for kind, url in (('image', self.endpoint + self._version),
                                  ('identity', self.url + '/v3'))]}}

    def _send(self, request, status, said, headers=(), missing=0):
        body = json.dumps(said).encode()
        request.send_response(status)
        for name, value in {'Content-Type': 'application/json',
                            'Content-Length': str(len(body)),
                            **dict(headers)}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body[:len(body) - missing])
