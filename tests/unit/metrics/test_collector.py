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

"""Tests for what is asked, and for what a scrape has of it."""

import fixtures
from keystoneauth1 import adapter
from keystoneauth1 import noauth
from keystoneauth1 import session
import prometheus_client

from glance_progress.metrics import asking
from glance_progress.metrics import collector
from glance_progress.metrics import poll
from glance_progress import warning
from tests.unit import base
from tests.unit import image_api


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.logger = self.useFixture(fixtures.FakeLogger())
        self.useFixture(fixtures.MonkeyPatch(
            'glance_progress.metrics.asking._seldom', warning.Seldom()))
        self.api = self.useFixture(image_api.ImageApi())
        self.adapter = adapter.Adapter(session.Session(noauth.NoAuth(
            endpoint=self.api.endpoint)), service_type='image')


class TestAsking(TestCase):

    def test_pages(self):
        self.api.in_transit = [
            [{'image_id': 'a'}], [{'image_id': 'a'}, {'image_id': 'b'}]]
        self.api.memcached = {'servers': 2, 'answering': 1}
        found = asking.transit(self.adapter)
        self.assertEqual(['a', 'b'], [
            image['image_id'] for image in found.images])
        self.assertEqual(self.api.memcached, found.memcached)
        self.assertIn('limit=1000', self.api.requests[0])

    def test_an_older_api_says_nothing_of_memcached(self):
        self.assertIsNone(asking.transit(self.adapter).memcached)
        self.assertEqual('', self.logger.output)

    def test_no_administrator(self):
        self.api.memcached = None
        for _ in range(2):
            self.assertIsNone(asking.transit(self.adapter).memcached)
        self.assertEqual(1, self.logger.output.count('role admin'))

    def test_failed(self):
        self.api.failed = [{'image_id': 'a'}]
        self.assertEqual(self.api.failed, asking.failed(self.adapter))


class TestCollector(TestCase):

    def setUp(self):
        super().setUp()
        self.registry = prometheus_client.CollectorRegistry()
        self.collector = collector.Collector(self.adapter, 10)
        self.registry.register(self.collector)

    def ask(self):
        for each in self.collector._polls.values():
            each.once()

    def value(self, name, **labels):
        return self.registry.get_sample_value(
            'glance_progress_' + name, labels)

    def test_before_it_has_asked(self):
        self.assertIsNone(self.value('up'))
        self.assertIsNone(self.value('images', phase='upload'))
        self.assertEqual(0, self.value('failures_total', reason='sender'))

    def test_what_is_in_transit(self):
        self.api.in_transit = [[image_api.uploading()]]
        self.api.memcached = {'servers': 2, 'answering': 1}
        self.ask()
        self.assertEqual(
            [1, 1, 2, 1], [self.value('up'), self.value(
                'images', phase='upload'), self.value('memcached_servers'),
                self.value('memcached_servers_answering')])
        for asked in ('transit', 'failures'):
            self.assertIsNotNone(self.value(
                'last_success_timestamp_seconds', asked=asked))
            self.assertIsNotNone(self.value(
                'asking_duration_seconds', asked=asked))

    def test_failures(self):
        self.api.failed = [{'image_id': 'a', 'last_failure': {
            'updated_at': 5e9, 'failure': 'The token had expired.'}}]
        self.ask()
        self.ask()
        self.assertEqual(1, self.value('failures_total', reason='refused'))

    def test_blind(self):
        self.api.in_transit = [[image_api.uploading()]]
        self.ask()
        before = self.value('last_success_timestamp_seconds', asked='transit')
        self.api.extended = False
        self.ask()
        self.ask()
        self.assertEqual(0, self.value('up'))
        self.assertEqual(2, self.value(
            'api_errors_total', asked='transit', error='no_extension'))
        self.assertEqual(before, self.value(
            'last_success_timestamp_seconds', asked='transit'))
        self.assertIsNone(self.value('images', phase='upload'))
        self.assertIsNone(self.value('memcached_servers'))
        self.assertEqual(0, self.value('failures_total', reason='sender'))
        self.api.extended = True
        self.ask()
        self.assertEqual(1, self.value('images', phase='upload'))


class TestPoll(TestCase):

    def poll(self, ask):
        made = poll.Poll(ask, 10)
        made.once()
        return made

    def test_kinds_of_errors(self):
        from keystoneauth1 import exceptions
        for exc, error, advice in (
            (exceptions.Unauthorized('x'), 'unauthorized', '--os-cloud'),
            (exceptions.Forbidden('x'), 'forbidden', 'role admin'),
            (exceptions.ConnectTimeout('x'), 'timeout', ''),
            (exceptions.ConnectFailure('x'), 'unreachable', ''),
            (exceptions.EndpointNotFound('x'), 'no_endpoint', 'region'),
            (exceptions.ServiceUnavailable('x'), 'http_error', ''),
            (exceptions.ClientException('x'), 'other', ''),
            (KeyError('x'), 'other', 'not understood'),
        ):
            def ask(exc=exc):
                raise exc
            made = self.poll(ask)
            self.assertEqual({error: 1}, {
                name: count for name, count in made.errors.items() if count})
            self.assertIsNone(made.answer)
            self.assertIn(advice, self.logger.output)

    def test_a_failure_is_logged_once_until_it_is_over(self):
        answers = [1, None, None, 1]

        def ask():
            if answers.pop() is None:
                self.api.extended = False
                return asking.transit(self.adapter)
            return 1
        made = self.poll(ask)
        for _ in range(3):
            made.once()
        self.assertEqual(1, self.logger.output.count('does not tell'))
        self.assertEqual(1, self.logger.output.count('answers again'))

    def test_an_old_answer_is_none(self):
        clock = self.useFixture(base.Clock('glance_progress.metrics.poll'))
        made = self.poll(lambda: 1)
        self.assertEqual(1, made.answer)
        clock.now += 59
        self.assertEqual(1, made.answer)
        clock.now += 2
        self.assertIsNone(made.answer)
