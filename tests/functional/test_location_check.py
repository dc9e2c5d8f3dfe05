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

"""Image locations, with real services. None of this needs Ceph."""

from __future__ import annotations

import json
import pathlib
import time
from typing import Any

import fixtures
from oslo_config import cfg
import requests
import testtools

from allinone.daemons import glance
from allinone import service
from glance_progress import fixture
from glance_progress.locations import facts
from glance_progress.locations import guard
from glance_progress.locations import options
from glance_progress import section
from tests.functional import location_base

REFUSED = 'glance-api does not start, [glance_progress] location_check'
FOUND = 'registering locations by the old call'
OPEN = 'ordinary users pass '

OWNER = glance.identity_headers('demo', 'member')
SERVICE = {**OWNER, 'X-Service-Roles': 'service'}


class TestCase(location_base.TestCase):

    def start(self, api: glance.GlanceBase) -> str:
        """Return what the service printed until it was ready."""
        api.start()
        api.wait_ready()
        return api.log_path.read_text()

    def refused(self, api: glance.GlanceBase) -> str:
        """Return what a service printed that does not start."""
        api.start()
        error = self.assertRaises(service.ServiceError, api.wait_ready)
        self.assertRegex(str(error), r'ended with status [1-9]')
        return api.log_path.read_text()


class Starts:
    """What both ways to run glance-api have in common."""

    KIND: type[glance.GlanceBase] = glance.GlanceApi
    #: The policies that ordinary users pass.
    BY_DEFAULT = facts.POLICIES[:2]

    #: What tells that snapshots must fail.
    CERTAIN: dict[str, str] = {'location_consumers': 'old-api'}

    def test_enforce_is_the_default_and_refuses(self) -> None:
        log = self.refused(self.make(self.KIND, section=self.CERTAIN))
        self.assertEqual(1, log.count(REFUSED))
        self.assertEqual(1, log.count(FOUND))
        self.assertIn('ImageNotAuthorized', log)
        self.assertIn('\n    [DEFAULT]\n    show_multiple_locations = True\n',
                      log)
        # With Nova patched, and to start anyway.
        self.assertEqual(2, log.count(
            '\n    [glance_progress]\n    location_check = warn'))
        # The one that OSSN-0065 and OSSN-0090 warn of is not the first.
        self.assertLess(log.index('Remedy: '), log.index('OSSN-0065'))
        self.assertLess(log.index('\nOr: '), log.index('OSSN-0065'))

    def test_message_in_log_and_on_stderr(self) -> None:
        path = self.directory / 'glance.log'
        printed = self.refused(self.make(
            self.KIND, log_file=path, section=self.CERTAIN))
        for text in (printed, path.read_text()):
            self.assertEqual(1, text.count(REFUSED))
            self.assertEqual(2, text.count('location_check = warn'))

    def test_enforce_starts_what_works(self) -> None:
        log = self.start(self.make(self.KIND, multiple=True))
        self.assertNotIn(FOUND, log)
        self.assertEqual(1, log.count(OPEN + ', '.join(self.BY_DEFAULT)))

    def test_warn(self) -> None:
        log = self.start(self.make(
            self.KIND, section={'location_check': 'warn', **self.CERTAIN}))
        self.assertEqual(1, log.count(FOUND))
        self.assertNotIn(REFUSED, log)

    def test_without_a_store_in_ceph(self) -> None:
        log = self.start(self.make(
            self.KIND, section=self.CERTAIN, stores=location_base.FILE_STORE))
        self.assertNotIn(FOUND, log)


class StartTest(Starts, TestCase):

    def test_what_is_not_known_is_no_reason_to_refuse(self) -> None:
        log = self.start(self.make(self.KIND))
        self.assertEqual(1, log.count('it is not known whether Nova is '
                                      + FOUND))

    def test_new_api(self) -> None:
        log = self.start(self.make(
            self.KIND, section={'location_consumers': 'new-api'}))
        self.assertNotIn('location_guard', log)

    def test_off(self) -> None:
        log = self.start(self.make(
            self.KIND, section={'location_check': 'off', **self.CERTAIN}))
        self.assertNotIn(FOUND, log)

    def test_wrong_value(self) -> None:
        log = self.refused(self.make(
            self.KIND, section={'location_check': 'sometimes'}))
        self.assertIn('location_check', log)
        self.assertIn('sometimes', log)


class DebianStartTest(Starts, TestCase):
    """Zed, under eventlet: checked before it forks its workers."""

    KIND = glance.DebianGlanceApi
    BY_DEFAULT = facts.POLICIES
    CERTAIN: dict[str, str] = {}  # its release alone does

    def test_new_api(self) -> None:
        log = self.refused(self.make(
            self.KIND, section={'location_consumers': 'new-api'}))
        self.assertEqual(1, log.count('the only one that Glance 25 has'))
        self.assertNotIn('location_consumers = new-api', log)


class ProcessesTest(TestCase):

    def test_warn_once_a_process(self) -> None:
        api = self.make(section={'location_check': 'warn'}, processes=2)
        self.start(api)
        deadline = time.monotonic() + 60
        while api.log_path.read_text().count('WSGI app 0 (') < 2:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.assertEqual(2, api.log_path.read_text().count(FOUND))

    def test_unreadable_policies_stop_nothing(self) -> None:
        log = self.start(self.make(
            multiple=True, policies={'default': 'this is (no rule'}))
        self.assertNotIn(FOUND, log)


class RowsTest(TestCase):
    """What Glance itself says, which the rule takes for granted."""

    KIND: type[glance.GlanceBase] = glance.GlanceApi
    POST = (403, 202)

    def statuses(
        self, headers: dict[str, str]
    ) -> tuple[int, int, list[str], str]:
        """Return what comes of PATCH and of POST, what is seen, and why."""
        images = self.api.url + '/v2/images'

        def create() -> str:
            return images + '/' + requests.post(
                images, headers=OWNER, json={
                    'disk_format': 'raw', 'container_format': 'bare',
                }).json()['id']
        url = 'rbd://fsid/images/image/snap'
        patch = requests.patch(
            create(), headers={**headers, 'Content-Type':
                               'application/openstack-images-v2.1-json-patch'},
            data=json.dumps([{'op': 'add', 'path': '/locations/-',
                              'value': {'url': url, 'metadata': {}}}]))
        post = requests.post(create() + '/locations', headers=headers,
                             json={'url': url, 'validation_data': {}})
        image = create()
        requests.put(image + '/file', data=b'x' * 1024, headers={
            **OWNER, 'Content-Type': 'application/octet-stream'})
        seen = requests.get(image, headers=headers).json()
        return (patch.status_code, post.status_code,
                sorted({'locations', 'direct_url'} & seen.keys()),
                patch.text + post.text)

    def run_rows(self, expected: dict[str, Any], **kwargs: Any) -> str:
        self.api = self.make(
            self.KIND, router=None, stores=location_base.FILE_STORE, **kwargs)
        self.start(self.api)
        texts = ''
        for (name, headers), post in zip(
                (('owner', OWNER), ('service', SERVICE)), self.POST):
            patch, *rest, text = self.statuses(headers)
            self.assertEqual([post, expected['seen']], rest)
            self.assertEqual(expected[name], patch)
            texts += text
        self.api.stop()
        return texts

    def test_rows(self) -> None:
        # 400: it is allowed, but no store takes it.
        text = self.run_rows(
            {'owner': 403, 'service': 403, 'seen': ['direct_url']})
        self.assertIn('allowed to add locations if locations are invisible',
                      text)
        if 202 in self.POST:
            self.assertIn('http store must be enabled to use location API by '
                          'normal user.', text)
        both = ['direct_url', 'locations']
        self.run_rows({'owner': 400, 'service': 400, 'seen': both},
                      multiple=True)
        self.run_rows({'owner': 403, 'service': 400, 'seen': both},
                      multiple=True, policies=location_base.FOR_SERVICES)


class DebianRowsTest(RowsTest):

    KIND = glance.DebianGlanceApi
    POST = (404, 404)


class GuardTest(testtools.TestCase):

    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        path = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path) / 'glance-api.conf'
        path.write_text('[glance_store]\nstores = rbd\n')
        self.conf = cfg.ConfigOpts()
        section.of(self.conf, options.OPTS)
        self.conf.register_opt(
            cfg.BoolOpt('show_image_direct_url', default=True))
        self.conf.register_opt(
            cfg.BoolOpt('show_multiple_locations', default=False))
        self.conf(args=[], default_config_files=[str(path)],
                  default_config_dirs=[])
        self.useFixture(fixture.Process())

    def test_factory_runs_twice(self) -> None:
        self.conf.set_override('location_check', 'warn', section.NAME)
        for _ in range(2):
            guard.check(self.conf)
        self.assertEqual(1, self.log.output.count(FOUND))

    def broken(self, name: str) -> None:
        def fail(*args: Any) -> None:
            raise KeyError('bug')
        self.useFixture(fixtures.MonkeyPatch('glance_progress.' + name, fail))

    def test_a_bug_stops_nothing(self) -> None:
        self.broken('locations.rule.findings')
        guard.check(self.conf)
        self.assertIn('glance-api starts without it', self.log.output)
        self.assertIn('KeyError', self.log.output)

    def test_a_bug_in_the_policies_stops_nothing(self) -> None:
        self.broken('locations.policy.added')
        self.conf.set_override('show_multiple_locations', True)
        guard.check(self.conf)
        self.assertIn('policies on image locations cannot be read',
                      self.log.output)
