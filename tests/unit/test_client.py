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

from keystoneauth1 import adapter
from keystoneauth1 import exceptions
from keystoneauth1.identity import v3
from keystoneauth1 import noauth
from keystoneauth1 import session

from glance_progress import client
from glance_progress.records import wire
from tests.unit import base
from tests.unit import image_api

OTHER = '00000000-0000-0000-0000-000000000001'


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.clock = self.useFixture(base.Clock('glance_progress.client'))
        self.clock.sleep = self.sleep
        self.serve()

    def serve(self, **kwargs):
        self.api = self.useFixture(image_api.ImageApi(**kwargs))
        self.session = session.Session(noauth.NoAuth(
            endpoint=self.api.endpoint))

    def sleep(self, seconds):
        self.clock.now += seconds

    def with_keystone(self):
        return session.Session(v3.Password(
            self.api.url + '/v3', username='u', password='p',
            user_domain_id='d', project_name='demo', project_domain_id='d'))


class TestShow(TestCase):

    def test_snapshot(self):
        self.api.answers = [image_api.uploading()]
        self.assertEqual(image_api.uploading(),
                         client.show(self.session, base.IMAGE))
        self.assertEqual(['/v2/images/%s/progress' % base.IMAGE],
                         self.api.requests)

    def test_endpoints(self):
        for prefix in ('', '/image'):
            for version in ('', '/', '/v2', '/v2/', '/v2.1'):
                self.serve(prefix=prefix, version=version)
                self.api.answers = [image_api.uploading()]
                for each in (
                    self.with_keystone(),
                    adapter.Adapter(self.with_keystone(), interface='public',
                                    service_type='image', region_name='r'),
                    adapter.Adapter(self.session, endpoint_override=(
                        self.api.endpoint + version)),
                ):
                    self.assertEqual(
                        image_api.uploading(), client.show(each, base.IMAGE))

    def test_no_endpoint(self):
        for nowhere in (
            session.Session(noauth.NoAuth()),
            adapter.Adapter(self.with_keystone(), service_type='image',
                            region_name='x'),
        ):
            self.assertRaises(exceptions.EndpointNotFound,
                              client.show, nowhere, base.IMAGE)

    def test_image_not_found(self):
        for image_id in (OTHER, '..%2f', 'a/b?c', 'ö'):
            exc = self.assertRaises(
                client.ImageNotFound, client.show, self.session, image_id)
            self.assertIn(image_id, str(exc))
        self.assertIn('/v2/images/a%2Fb%3Fc/progress', self.api.requests)

    def test_server_without_the_extension(self):
        self.api.extended = False
        exc = self.assertRaises(
            client.NoProgressApi, client.show, self.session, base.IMAGE)
        self.assertIn('no progress extension', str(exc))

    def test_other_errors_pass_through(self):
        for status, kind in ((401, exceptions.Unauthorized),
                             (403, exceptions.Forbidden),
                             (503, exceptions.ServiceUnavailable)):
            self.api.answers = [status]
            self.assertRaises(kind, client.show, self.session, base.IMAGE)


class TestList(TestCase):

    def test_none(self):
        self.assertEqual([], list(client.list_images(self.session)))

    def test_pages(self):
        for prefix in ('', '/image'):
            self.serve(prefix=prefix)
            self.api.in_transit = [
                [{'name': 'a'}, {'name': 'b'}], [], [{'name': 'c'}]]
            self.assertEqual(
                ['a', 'b', 'c'],
                [each['name'] for each in client.list_images(self.session)])

    def test_failed(self):
        self.api.failed = [{'name': 'a'}]
        self.api.in_transit = [[{'name': 'b'}]]
        self.assertEqual([{'name': 'a'}], list(client.list_images(
            self.session, failed=True)))

    def test_a_page_is_fetched_when_it_is_needed(self):
        self.api.in_transit = [[{'name': 'a'}], [{'name': 'b'}]]
        next(client.list_images(self.session))
        self.assertEqual(['/v2/info/progress'], self.api.requests)

    def test_server_without_the_extension(self):
        self.api.extended = False
        self.assertRaises(
            client.NoProgressApi, list, client.list_images(self.session))


class TestVersion(TestCase):

    def test_version(self):
        self.assertEqual('1.1', client.version(self.session))
        self.assertEqual(['/v2/info/progress?limit=0'], self.api.requests)

    def test_none(self):
        self.api.extended = False
        self.assertRaises(client.NoProgressApi, client.version, self.session)


class TestWatch(TestCase):

    def watch(self, *answers, **kwargs):
        self.api.answers = list(answers)
        return list(client.watch(self.session, base.IMAGE, **kwargs))

    def phases(self, *answers, **kwargs):
        return [each['phase'] for each in self.watch(*answers, **kwargs)]

    def test_to_the_end(self):
        life = [image_api.a_snapshot('queued'), image_api.a_snapshot(),
                image_api.uploading(0), image_api.uploading(500),
                image_api.finished()]
        self.assertEqual(life, self.watch(*life))
        self.assertEqual(1000004, self.clock.now)

    def test_interval(self):
        self.watch(image_api.uploading(), image_api.finished(), interval=7)
        self.assertEqual(1000007, self.clock.now)

    def test_only_changes(self):
        self.assertEqual(3, len(self.watch(
            image_api.uploading(), image_api.uploading(),
            image_api.a_snapshot(records=[base.a_record()], now=1015),
            # The same record, but it has stalled
            image_api.a_snapshot(records=[base.a_record()], now=1100),
            image_api.finished())))

    def test_failure(self):
        for status in ('queued', 'killed', 'importing'):
            end = image_api.failed(status)
            self.assertEqual('failed', end['phase'])
            self.assertEqual(end, self.watch(
                image_api.uploading(), end, image_api.finished())[-1])

    def old_failure(self, age):
        return image_api.a_snapshot(
            'queued', now=1010 + age, records=[base.a_record(
                state=wire.FAILED, failure='No room.')])

    def test_old_failure_is_no_end(self):
        """Whoever watches an image that failed long ago waits for more."""
        old = self.old_failure(3600)
        self.assertEqual('failed', old['phase'])
        self.assertEqual(
            ['failed', 'upload', 'done'], self.phases(
                old, old, self.old_failure(3700), image_api.uploading(),
                image_api.finished()))
        again = image_api.a_snapshot('queued', records=[base.a_record(
            sequence=2000, state=wire.FAILED, failure='No room.')])
        self.assertEqual([old, again], self.watch(
            old, again, image_api.finished()))
        self.assertRaises(
            client.NothingHappens, self.watch, *[old] * 9, timeout=5)
        self.clock.now = 0
        self.assertEqual([old], self.watch(old))
        self.assertEqual(61, self.clock.now)

    def test_failure_of_a_moment_ago_is_one(self):
        recent = self.old_failure(30)
        self.assertEqual([recent], self.watch(recent, image_api.finished()))

    def test_failure_that_memcached_knows_nothing_of(self):
        self.assertEqual(['upload', 'queued'], self.phases(
            image_api.a_snapshot(), image_api.a_snapshot('queued'),
            image_api.finished()))

    def test_a_copy_ends_with_the_copying(self):
        copying = image_api.a_snapshot(
            'active', size=1000, stores=frozenset(['ceph']),
            targets=frozenset(['b']), importing=True)
        self.assertEqual(['copy', 'done'], self.phases(
            copying, image_api.finished()))

    def test_waits_for_ever(self):
        queued = image_api.a_snapshot('queued')
        self.assertEqual(['queued', 'done'], self.phases(
            *[queued] * 200, image_api.finished()))

    def test_nothing_happens(self):
        exc = self.assertRaises(
            client.NothingHappens, self.watch, image_api.a_snapshot('queued'),
            timeout=30)
        self.assertEqual(1000031, self.clock.now)
        self.assertIn(base.IMAGE + ' for 30 s; it is queued', str(exc))

    def test_nothing_happens_to_a_stalled_upload(self):
        self.assertRaises(
            client.NothingHappens, self.watch,
            image_api.a_snapshot(records=[base.a_record()], now=1100),
            timeout=30)

    def test_timeout_is_the_only_clock(self):
        stalled = image_api.a_snapshot(records=[base.a_record()], now=1100)
        self.assertRaises(
            client.NothingHappens, self.watch, *[image_api.uploading()] * 20,
            stalled, timeout=30)
        self.assertEqual(1000031, self.clock.now)
        self.assertEqual(3, len(self.watch(
            *[image_api.uploading()] * 20, *[stalled] * 20,
            image_api.finished(), timeout=60)))

    def test_snapshot_of_which_nothing_is_seen_any_more(self):
        looked = base.a_record(
            store=wire.LOOKED, phase=wire.FLATTENING, found_in='ceph',
            measured_by='diff')
        flattening = image_api.a_snapshot(
            'queued', records=[looked], of_server=True)
        self.assertEqual('flattening', flattening['phase'])
        self.assertEqual(
            ['queued', 'flattening', 'queued', 'done'], self.phases(
                image_api.a_snapshot('queued'), flattening,
                *[image_api.a_snapshot('queued')] * 200,
                image_api.finished()))

    def test_looks_when_the_server_says(self):
        self.api.retry_after = '7'
        life = [image_api.uploading(), image_api.uploading(500),
                image_api.finished()]
        self.watch(*life)
        self.assertEqual(1000014, self.clock.now)
        self.watch(*life, interval=9)
        self.assertEqual(1000032, self.clock.now)
        self.watch(image_api.uploading(), 503, image_api.finished())
        self.assertEqual(1000046, self.clock.now)

    def test_server_that_says_nonsense(self):
        for value, seconds in (
                ('-3', 1), ('soon', 1), ('9' * 30, 60), ('²', 1),
                ('Fri, 31 Dec 9999 23:59:59 GMT', 1)):
            self.api.retry_after, self.clock.now = value, 0
            self.watch(image_api.uploading(), image_api.finished())
            self.assertEqual(seconds, self.clock.now)

    def test_timeout_counts_from_the_last_change(self):
        self.assertEqual(3, len(self.phases(
            *[image_api.a_snapshot('queued')] * 25,
            *[image_api.a_snapshot('saving')] * 25,
            image_api.finished(), timeout=30)))

    def test_time_that_the_caller_takes_does_not_count(self):
        self.api.answers = [image_api.a_snapshot('queued'), 503,
                            image_api.a_snapshot('queued'),
                            image_api.finished()]
        seen = []
        for each in client.watch(self.session, base.IMAGE, timeout=30):
            seen.append(each['phase'])
            self.clock.now += 100
        self.assertEqual(['queued', 'done'], seen)

    def test_errors_that_pass(self):
        for trouble in (503, 500, 502, 504, 429, image_api.HANG_UP,
                        image_api.CUT_OFF):
            self.assertEqual(['upload', 'done'], self.phases(
                image_api.uploading(), *[trouble] * 50,
                image_api.finished(), timeout=5))

    def test_server_that_stays_away(self):
        self.assertRaises(
            exceptions.ServiceUnavailable, self.watch, image_api.uploading(),
            503)
        self.assertEqual(1000061, self.clock.now)

    def test_server_that_was_never_there(self):
        self.assertRaises(exceptions.ServiceUnavailable, self.watch, 503)
        self.assertRaises(
            exceptions.ConnectFailure, list, client.watch(
                adapter.Adapter(self.session, endpoint_override=(
                    'http://127.0.0.1:1')), base.IMAGE))
        self.assertEqual(1000000, self.clock.now)

    def test_errors_that_do_not_pass(self):
        self.assertRaises(
            exceptions.Forbidden, self.watch, image_api.uploading(), 403)
        self.assertEqual(1000001, self.clock.now)

    def test_image_not_found(self):
        self.assertRaises(
            client.ImageNotFound, list, client.watch(self.session, OTHER))

    def test_image_deleted(self):
        def delete():
            del self.api.images[base.IMAGE]
            return 404
        exc = self.assertRaises(
            client.ImageDeleted, self.watch, image_api.uploading(), delete)
        self.assertIn(base.IMAGE + ' has been deleted', str(exc))
        self.assertIsNone(exc.failure)

    def test_image_deleted_because_it_failed(self):
        for status in ('deleted', 'pending_delete'):
            for before in ([], [image_api.uploading()]):
                exc = self.assertRaises(
                    client.ImageDeleted, self.watch, *before,
                    image_api.failed(status))
                self.assertIn('No room.', str(exc))
                self.assertEqual('ceph', exc.failure['store'])

    def test_server_without_the_extension(self):
        self.api.extended = False
        self.assertRaises(client.NoProgressApi, self.watch)
