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

"""Who sees what through the API extension, and how it takes bad input."""

from __future__ import annotations

from concurrent import futures
import os
import signal
import subprocess
import time

from allinone.daemons import glance
from tests.functional import api_base
from tests.functional import base
from tests.functional import services
from tests.unit import base as unit_base

MiB = base.MiB

OWNER = api_base.OWNER
ADMIN = api_base.ADMIN
COLLEAGUE = glance.identity_headers('demo', 'member', user='colleague')
STRANGER = api_base.headers('stranger')
NOBODY: dict[str, str] = {}

PATHS = ('/v2/images/%s/progress' % unit_base.IMAGE, '/v2/info/progress')


class CommonTests:
    """What holds for each supported Glance."""

    STALLED_AFTER = 2

    def assert_as_the_image(
        self, status: int, image_id: str, headers: dict[str, str]
    ) -> None:
        path = '/v2/images/' + image_id
        image = self.get(path, headers)
        ours = self.get(path + '/progress', headers)
        self.assertEqual((status, status),
                         (image.status_code, ours.status_code))
        if status == 200:
            self.assertEqual('queued', ours.json()['status'])
        else:
            self.assertEqual(image.text, ours.text)
            self.assertEqual(image.headers['Content-Type'],
                             ours.headers['Content-Type'])

    def test_private_image(self) -> None:
        image_id = self.create(visibility='private')
        for headers in (OWNER, COLLEAGUE, ADMIN):
            self.assert_as_the_image(200, image_id, headers)
        self.assert_as_the_image(404, image_id, STRANGER)
        self.assert_as_the_image(401, image_id, NOBODY)

    def test_shared_image(self) -> None:
        image_id = self.create(visibility='shared')
        self.assert_as_the_image(404, image_id, STRANGER)
        self.client.image_members.create(image_id, 'stranger')
        members = self.api.client(STRANGER).image_members
        for status in ('pending', 'accepted', 'rejected'):
            members.update(image_id, 'stranger', status)
            self.assert_as_the_image(200, image_id, STRANGER)
        other = api_base.headers('other')
        self.assert_as_the_image(404, image_id, other)

    def test_visible_to_everybody(self) -> None:
        for visibility in ('public', 'community'):
            image_id = self.create_as(ADMIN, visibility=visibility)
            for headers in (OWNER, STRANGER, ADMIN):
                self.assert_as_the_image(200, image_id, headers)
            self.assert_as_the_image(401, image_id, NOBODY)

    def test_host_is_for_admins(self) -> None:
        image_id = self.put()
        store, = self.wait_store(image_id, state='finished')['stores']
        self.assertNotIn('host', store)
        store, = self.progress(image_id, ADMIN)['stores']
        self.assertEqual(os.uname().nodename, store['host'])

    def test_other_methods(self) -> None:
        for path in PATHS:
            for method in ('HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'):
                answer = self.request(method, path)
                self.assertEqual(405, answer.status_code, method + path)
                self.assertEqual('GET', answer.headers['Allow'])
            # Nobody reads what comes along.
            answer = self.request('POST', path, data=b'no JSON')
            self.assertEqual(405, answer.status_code)
            self.assertEqual(404, self.get(path + '/').status_code)

    def test_request_id_that_is_too_long(self) -> None:
        """Glance means to refuse it, and breaks off at its own paths."""
        headers = {**OWNER, 'X-Openstack-Request-ID': 'req-' + 61 * 'x'}
        image_id = self.create()
        for path in ('/v2/images/%s/progress' % image_id,
                     '/v2/info/progress', '/v2/info/progress?failed=true'):
            answer = self.get(path, headers)
            self.assertEqual(431, answer.status_code, answer.text)
            self.assertIn('max size 64', answer.text)

    def test_store_properties(self) -> None:
        answer = self.get('/v2/info/stores/detail', ADMIN)
        self.assertEqual(200, answer.status_code, answer.text)
        stores = {each['id']: each for each in answer.json()['stores']}
        self.assertEqual(
            {store: options['type']
             for store, options in self.api.stores.items()},
            {store: each['type'] for store, each in stores.items()})
        for store, options in self.api.stores.items():
            if options['type'] == 'rbd_progress':
                properties = stores[store]['properties']
                self.assertEqual(options['pool'], properties['pool'])
                self.assertEqual(MiB, properties['chunk_size'])
        self.assertIn('data_dir', stores['disk']['properties'])
        self.assertEqual(
            403, self.get('/v2/info/stores/detail').status_code)

    def test_an_ordinary_upload(self) -> None:
        image_id = self.create()
        answer = self.progress(image_id)
        self.assertEqual(('queued', 'queued', None, 'database', []), tuple(
            answer[name] for name in (
                'status', 'phase', 'percent', 'source', 'stores')))
        upload = self.upload(image_id, 4 * MiB)
        upload.send(base.data(2 * MiB))
        answer = self.wait_store(image_id, bytes_written=2 * MiB)
        self.assertEqual(('saving', 'upload', None, 50, 'memcached'), tuple(
            answer[name] for name in (
                'status', 'phase', 'size', 'percent', 'source')))
        self.assertIn(image_id, self.in_transit())
        upload.send(base.data(2 * MiB))
        self.assertEqual(204, upload.end())
        answer = self.wait_progress(image_id, phase='done')
        self.assertEqual(('active', 4 * MiB, 100), tuple(
            answer[name] for name in ('status', 'size', 'percent')))
        self.assertNotIn(image_id, self.in_transit())

    def wanted(self, path: str) -> str | None:
        """Return after how many seconds the API wants to be asked again."""
        return self.get(path).headers.get('Retry-After')

    def test_when_to_look_again(self) -> None:
        seconds = [str(n) for n in range(1, 16)]
        image_id = self.create()
        path = '/v2/images/%s/progress' % image_id
        self.assertIn(self.wanted(path), seconds)
        upload = self.upload(image_id, 4 * MiB)
        upload.send(base.data(2 * MiB))
        self.wait_store(image_id, bytes_written=2 * MiB)
        for each in path, '/v2/info/progress?limit=1000':
            self.assertIn(self.wanted(each), seconds)
        upload.abandon()
        self.wait_progress(image_id, phase='failed')
        self.assertIsNone(self.wanted(path))
        # Many who look are told to come later.
        path = '/v2/images/%s/progress' % self.create()
        with futures.ThreadPoolExecutor(16) as pool:
            self.assertGreater(
                max(map(int, pool.map(self.wanted, 200 * [path]))), 2)

    def test_visibility_is_as_old_as_two_seconds(self) -> None:
        image_id = self.create(visibility='shared')
        self.client.image_members.create(image_id, 'stranger')
        upload = self.upload(image_id, 4 * MiB)
        path = '/v2/images/%s/progress' % image_id
        sent = 0

        def status(headers: dict[str, str]) -> int:
            # It moves, so that what was shown a moment ago is shown again.
            nonlocal sent
            if sent < 4:
                upload.send(base.data(MiB // 2))
                sent += 0.5
            return self.get(path, headers).status_code

        self.wait_for(lambda: status(STRANGER) == 200)
        self.client.image_members.delete(image_id, 'stranger')
        gone = time.monotonic()
        self.assertEqual(404, status(api_base.headers('other')))
        self.wait_for(lambda: status(STRANGER) == 404, timeout=5)
        self.assertLess(time.monotonic() - gone, 5)
        self.assertEqual(200, status(OWNER))
        upload.abandon()

    def wait_progress_as(
        self, headers: dict[str, str], image_id: str, phase: str
    ) -> None:
        self.wait_for(
            lambda: self.progress(image_id, headers)['phase'] == phase)

    def test_pages(self) -> None:
        project = api_base.a_project()
        images = {self.stage(project) for _ in range(12)}
        for limit in (1, 5, 6, 12, 13):
            seen, pages = [], 0
            path = '/v2/info/progress?limit=%d&later=x' % limit
            while path:
                page = self.get(path, project).json()
                self.assertLessEqual(len(page['images']), limit)
                self.assertEqual(
                    '/v2/info/progress?limit=%d&later=x' % limit,
                    page['first'])
                # Public images, of other tests, are among them.
                seen += [image['image_id'] for image in page['images']]
                path = page.get('next')
                pages += 1
            self.assertEqual(len(seen), len(set(seen)))
            self.assertLessEqual(images, set(seen))
            self.assertIn(pages - len(seen) // limit, (0, 1))
        # One that has gone on is a marker all the same.
        marker = seen[3]
        self.api.client(project).images.image_import(
            marker, 'glance-direct', stores=['disk'])
        self.wait_progress_as(project, marker, 'done')
        self.assertEqual(seen[4:], self.in_transit(
            project, '?limit=1000&marker=' + marker))

    def test_worker_is_killed(self) -> None:
        image_id = self.create()
        upload = self.upload(image_id, 4 * MiB)
        upload.send(base.data(2 * MiB))
        self.wait_store(image_id, bytes_written=2 * MiB)
        worker = int(subprocess.check_output(
            ['pgrep', '-P', str(self.api.pid)], text=True))
        os.kill(worker, signal.SIGKILL)
        self.wait_for(self.api.ready)
        answer = self.wait_store(image_id, stalled=True)
        self.assertEqual(('saving', 'upload', 50), tuple(
            answer[name] for name in ('status', 'phase', 'percent')))
        store, = answer['stores']
        self.assertEqual('uploading', store['state'])
        self.assertGreaterEqual(store['age'], self.STALLED_AFTER)
        self.assertIsNone(store['eta'])


class ApiTest(CommonTests, api_base.ApiTestCase):
    """Today's Glance."""

    def stock_list(self, headers: dict[str, str], query: str = '') -> set[str]:
        answer = self.get(
            '/v2/images?limit=1000&status=in:uploading,saving' + query,
            headers)
        return {image['id'] for image in answer.json()['images']}

    def test_list_shows_what_glance_lists(self) -> None:
        owner, member = api_base.a_project(), api_base.a_project()
        images = {
            visibility: self.stage(
                ADMIN if visibility == 'public' else owner,
                visibility=visibility)
            for visibility in ('private', 'shared', 'public', 'community')}
        hidden = self.stage(owner, os_hidden=True)
        # Whoever shows it to all, hides it from the lists of all.
        public = self.stage(ADMIN, visibility='public', os_hidden=True)
        # It would make other tests' pages hold less than they may.
        self.addCleanup(self.api.client(ADMIN).images.delete, public)
        self.api.client(owner).image_members.create(
            images['shared'], member['X-Project-Id'])
        for headers in (owner, member, ADMIN, STRANGER):
            own_hidden = self.stock_list(
                headers,
                '&os_hidden=true&owner=' + headers['X-Project-Id'])
            self.assertEqual(
                self.stock_list(headers) | own_hidden,
                set(self.in_transit(headers)))
        self.assertNotIn(hidden, self.in_transit(ADMIN))
        self.assertLessEqual(
            {hidden, *images.values()}, set(self.in_transit(owner)))
        self.assertNotIn(images['shared'], self.in_transit(member))
        for status, listed in (('accepted', True), ('rejected', False)):
            self.api.client(member).image_members.update(
                images['shared'], member['X-Project-Id'], status)
            self.assertEqual(
                listed, images['shared'] in self.in_transit(member))
        self.assertEqual(
            401, self.get('/v2/info/progress', NOBODY).status_code)

    def statements(self, path: str, headers: dict[str, str]) -> int:
        """Return how many SQL statements an answer takes."""
        self.get(path, headers)  # reads what is kept for a second
        before = self.api.log_path.stat().st_size
        self.get(path, headers)
        with open(self.api.log_path) as log:
            log.seek(before)
            return sum(' SELECT ' in line for line in log)

    def test_no_query_while_it_moves(self) -> None:
        image_id = self.create()
        path = '/v2/images/%s/progress' % image_id
        self.assertGreater(self.statements(path, OWNER), 0)
        self.assertGreater(self.statements(path, OWNER), 0)
        upload = self.upload(image_id, 8 * MiB)
        pieces = iter(range(8))

        def statements() -> int:
            if next(pieces, None) is not None:
                upload.send(base.data(MiB // 2))
            self.get(path)
            return self.statements(path, OWNER)

        self.wait_for(lambda: statements() == 0)
        upload.abandon()
        self.wait_progress(image_id, phase='failed')
        # Something else may move meanwhile: Ceph is looked at where an image
        # has waited for its data for two seconds, and a busy machine is late.
        self.wait_for(lambda: self.statements(path, OWNER) > 0)

    def test_no_query_for_each_image(self) -> None:
        project = api_base.a_project()
        for _ in range(6):
            self.stage(project)
        # What is kept for a second may have to be read again in between.
        one, six = (
            min(self.statements('/v2/info/progress?limit=%d' % limit, project)
                for _ in range(3))
            for limit in (1, 6))
        self.assertGreater(one, 0)
        self.assertEqual(one, six)

    def test_ids_that_are_none(self) -> None:
        image_id = self.create()
        for bad in ('nope', 'x' * 37, 'x' * 5000, '%00',
                    '%7B' + image_id + '%7D', "'--", '%F0%9F%98%80',
                    unit_base.IMAGE):
            self.assert_as_the_image(404, bad, OWNER)

    def test_id_in_capitals(self) -> None:
        # To MariaDB and MySQL it is the same, to memcached it is not.
        image_id = self.stage()
        answer = self.progress(image_id.upper())
        self.assertEqual(image_id, answer['image_id'])
        self.assertEqual([3], [
            store['bytes_written'] for store in answer['stores']])

    def test_parameters(self) -> None:
        image_id = self.stage()
        for query in ('', '?foo=bar', '?limit=1', '?marker=x', '?limit=x'):
            self.assertEqual(200, self.get(
                '/v2/images/%s/progress%s' % (image_id, query)).status_code)
        self.assertEqual([], self.in_transit(query='?limit=0'))
        self.assertIn(image_id, self.in_transit(query='?foo=1&status=active'))
        self.assertIn(image_id, self.in_transit(
            query='?limit=99999999999999999999999'))

    def test_bad_parameters(self) -> None:
        foreign = self.create_as(STRANGER)
        for query in ('limit=x', 'limit=-1', 'limit=', 'limit=1.5',
                      'marker=x', 'marker=' + unit_base.IMAGE, 'marker=%00',
                      'marker=' + foreign, 'marker=', 'marker=%ff'):
            stock = self.get('/v2/images?' + query)
            ours = self.get('/v2/info/progress?' + query)
            self.assertEqual(
                (stock.status_code, stock.text),
                (ours.status_code, ours.text), query)
            # 403 is Glance's word for an image of somebody else.
            self.assertEqual(
                403 if foreign in query else 400, ours.status_code, query)

    def test_body(self) -> None:
        image_id = self.create()
        stock = self.get('/v2/images/' + image_id, data=b'{}')
        for path in ('/v2/images/%s/progress' % image_id,
                     '/v2/info/progress'):
            for body in (b'{}', iter([b'{}'])):  # the latter in chunks
                ours = self.get(path, data=body)
                self.assertEqual(
                    (400, stock.text), (ours.status_code, ours.text))

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-api', section={'stalled_after': cls.STALLED_AFTER},
            options={'database': {'connection_debug': 50}})


class DebianApiTest(CommonTests, api_base.ApiTestCase):
    """Zed as Debian 12 packages it."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-api-debian', kind=glance.DebianGlanceApi,
            venv=services.debian_venv(), workers=1,
            section={'stalled_after': cls.STALLED_AFTER})
