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

"""Requests to the real application of glance-api, in this process.

It is what its paste file makes of it, with our router, with a database and
without Ceph. What Glance's own router answers with 5xx as well is Glance's.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import pathlib
import sqlite3
import sys
import tempfile
import traceback
from typing import Any
from unittest import mock
from urllib import parse
from wsgiref import util

from hypothesis import strategies as st

from allinone.daemons import glance
from glance_progress.records import memcached
from tools.fuzz import feeding
from tools.fuzz import values

_ROUTER = 'glance_progress.api:API.factory'

_CALLERS = [glance.identity_headers('demo', 'member'),
            glance.identity_headers('demo', 'admin'),
            glance.identity_headers('demo', 'reader'),
            glance.identity_headers('other', 'member'), {}]

_STATUSES = ['queued', 'saving', 'uploading', 'importing', 'active', 'queued']

_ROUTES = [('GET', '/v2/images/{}/progress'), ('GET', '/v2/info/progress'),
           ('GET', '/v2/info/stores/detail'), ('PUT', '/v2/images/{}/file'),
           ('PUT', '/v2/images/{}/stage'), ('POST', '/v2/images/{}/import'),
           ('POST', '/v2/images/{}/locations'),
           ('POST', '/v2/images/{}/progress'), ('HEAD', '/v2/info/progress')]

_HEADERS = ['x-image-meta-store', 'x-openstack-base-image-ref',
            'x-openstack-image-size', 'x-roles', 'x-project-id',
            'x-identity-status', 'content-type', 'transfer-encoding',
            'content-length', 'range', 'accept', 'x-openstack-request-id']

_TYPICAL = st.sampled_from([
    '0', '-1', '1', '5', '1e3', '99999999999999999999', 'true', 'FALSE',
    'disk', 'web', 'nowhere', values.IMAGE, 'application/octet-stream',
    'application/json', 'chunked', 'bytes=0-1', '*/*', 'member', 'demo'])


class Application:
    """Is glance-api, and one with Glance's own router beside it."""

    def __init__(self) -> None:
        directory = pathlib.Path(tempfile.mkdtemp(prefix='gp-fuzz-'))
        api = glance.GlanceApi(
            directory, sys.prefix, router=_ROUTER,
            stores={'disk': {'type': 'file'}, 'web': {'type': 'http'}},
            options={
                'DEFAULT': {'enabled_import_methods': '[glance-direct]',
                            'log_file': directory / 'log'},
                'glance_progress': {'memcached_servers': '127.0.0.1:1'}})
        api.prepare()
        os.environ['OS_GLANCE_CONFIG_DIR'] = str(api.etc)
        from glance.common import config
        from glance.common import wsgi_app
        self._app = wsgi_app.init_app()
        # It would make a pool of threads, to wait for it, when Python makes
        # none any more.
        atexit.unregister(wsgi_app.drain_workers)
        stock = directory / 'stock-paste.ini'
        stock.write_text(api.paste_ini.read_text().replace(
            _ROUTER, 'glance.api.v2.router:API.factory'))
        self._stock = config.load_paste_app('glance-api', conf_file=str(stock))
        self.images = [self._create(status) for status in _STATUSES]
        self._set_statuses(directory)
        #: What memcached holds of each image, in each place.
        self.held: Any = b''
        mock.patch.object(
            memcached.Memcached, 'get_many', self._get_many).start()

    def _create(self, status: str) -> str:
        body = json.dumps({'disk_format': 'raw', 'container_format': 'bare'})
        answer = self.ask(self._app, {
            **_environ('POST', '/v2/images', ''), **_wsgi_headers({
                **_CALLERS[0], 'content-type': 'application/json',
                'content-length': str(len(body))}),
            'wsgi.input': io.BytesIO(body.encode())})
        image_id: str = json.loads(answer[1])['id']
        return image_id

    def _set_statuses(self, directory: pathlib.Path) -> None:
        database = sqlite3.connect(directory / 'glance.sqlite')
        with database:
            for image_id, status in zip(self.images, _STATUSES):
                database.execute('update images set status = ? where id = ?',
                                 (status, image_id))
        database.close()

    def _get_many(self, keys: Any) -> list[dict[str, bytes]]:
        found = {}
        for key in keys:
            if ':' not in key:
                continue  # whether the server answers
            _, image_id, store = map(parse.unquote, key.split(':'))
            found[key] = self.held if isinstance(self.held, bytes) else (
                json.dumps(values.a_record(
                    image_id, store, self.held)).encode())
        return [found]

    @staticmethod
    def ask(app: Any, environ: dict[str, Any]) -> tuple[int, bytes]:
        """Return the status of the answer, and its body.

        What a server would answer where the application raises is 500.
        """
        statuses = []

        def start_response(
            status: str, headers: Any, exc_info: Any = None
        ) -> Any:
            statuses.append(int(status.split()[0]))

        try:
            answer = app(environ, start_response)
            try:
                body = b''.join(answer)
            finally:
                getattr(answer, 'close', lambda: None)()
        except Exception:
            return 500, traceback.format_exc().encode()
        return statuses[-1], body

    def feed(self, case: Any) -> None:
        """Ask, and ask Glance's own router where ours fails."""
        make, self.held = case
        status, body = self.ask(self._app, make())
        if status < 500:
            return
        # Beside an import, SQLite refuses whoever writes at the same time.
        again, body = self.ask(self._app, make())
        if again < 500:
            return
        assert any(self.ask(self._stock, environ)[0] >= 500
                   for environ in (make(), _without_progress(make()))), (
                       status, body)


def _without_progress(environ: dict[str, Any]) -> dict[str, Any]:
    """Ask for the image, or for the list: Glance's router knows no more."""
    return {**environ, 'PATH_INFO': environ['PATH_INFO'].replace(
        '/v2/info/progress', '/v2/images').replace('/progress', '')}


def _environ(method: str, path: str, query: str) -> dict[str, Any]:
    environ: dict[str, Any] = {}
    util.setup_testing_defaults(environ)
    environ.update(REQUEST_METHOD=method, QUERY_STRING=query,
                   PATH_INFO=path, SCRIPT_NAME='')
    return environ


def _wsgi_headers(headers: dict[str, str]) -> dict[str, str]:
    plain = {'content-type': 'CONTENT_TYPE',
             'content-length': 'CONTENT_LENGTH'}
    return {plain.get(name.lower(), 'HTTP_' + name.upper().replace('-', '_')):
            value for name, value in headers.items()}


def _latin(text: str) -> str:
    """Return a text as WSGI gives it: each character is a byte."""
    return text.encode('utf-8', 'surrogatepass').decode('latin-1')


def requests() -> feeding.Target:
    """Ask for progress, and bring data, as nobody would."""
    application = Application()
    texts = st.one_of(_TYPICAL, values.TEXTS)
    ids = st.one_of(st.sampled_from(application.images), texts)
    names = st.one_of(
        st.sampled_from(['limit', 'marker', 'failed', 'sort']), values.TEXTS)
    queries = st.one_of(
        st.lists(st.tuples(names, st.one_of(texts, ids)), max_size=3).map(
            lambda pairs: parse.urlencode(pairs, errors='surrogatepass')),
        values.TEXTS.map(_latin))
    headers = st.dictionaries(
        st.sampled_from(_HEADERS), st.one_of(texts, ids).map(
            lambda text: _latin(text).replace('\r', '').replace('\n', '')),
        max_size=3)
    bodies = st.one_of(
        st.binary(max_size=30),
        st.fixed_dictionaries({'method': st.one_of(values.JSON, st.just(
            {'name': 'glance-direct'}))}, optional={
                'stores': values.JSON, 'all_stores': values.JSON,
                'url': values.JSON}).map(
                    lambda value: json.dumps(value).encode()))

    def request(route: tuple[str, str], image_id: str, query: str,
                caller: dict[str, str], more: dict[str, str],
                body: bytes) -> Any:
        def make() -> dict[str, Any]:
            path = route[1].format(_latin(image_id))
            return {**_environ(route[0], path, query), **_wsgi_headers({
                'content-length': str(len(body)),
                'content-type': ('application/octet-stream'
                                 if route[0] == 'PUT' else
                                 'application/json'),
                **caller, **more}), 'wsgi.input': io.BytesIO(body)}
        return make

    held = st.one_of(values.GARBAGE, values.CHANGES)
    return feeding.Target(st.tuples(st.builds(
        request, st.sampled_from(_ROUTES), ids, queries,
        st.sampled_from(_CALLERS), headers,
        st.one_of(st.just(b''), bodies)), held), application.feed)
