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

import atexit
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from typing import Any

import fixtures
from oslo_config import cfg
import requests
import testtools

from glance_progress.api import location_guard
from glance_progress import location_facts
from glance_progress import opts
from tests.functional import services
from tools.cloud import glance
from tools.cloud import service

REFUSED = 'glance-api does not start, [glance_progress] location_check'
FOUND = 'registering locations by the old call'
OPEN = 'ordinary users pass '

OWNER = glance.identity_headers('demo', 'member')
SERVICE = {**OWNER, 'X-Service-Roles': 'service'}
NOBODY = 65534

NOVA = """
[DEFAULT]
transport_url = rabbit://nova:hunter2@127.0.0.1
[service_user]
send_service_user_token = true
auth_type = password
auth_url = http://127.0.0.1:1/
username = nova
password = hunter2
"""

FOR_SERVICES = {name: 'rule:context_is_admin or service_roles:service'
                for name in location_facts.POLICIES}


class TestCase(testtools.TestCase):

    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(tempfile.mkdtemp(
            dir=services.directory()))

    def make(
        self, kind: type[glance.GlanceBase] = glance.GlanceApi,
        direct_url: bool = True, multiple: bool = False,
        router: str | None = 'glance_progress.api:API.factory',
        log_file: pathlib.Path | None = None,
        policies: dict[str, str] | None = None, ours: Any = None,
        **kwargs: Any,
    ) -> glance.GlanceBase:
        options: dict[str, Any] = {
            'DEFAULT': {'show_image_direct_url': direct_url,
                        'show_multiple_locations': multiple},
            'glance_progress': {'memcached_servers': '127.0.0.1:1',
                                **(ours or {})},
        }
        if log_file:
            options['DEFAULT']['log_file'] = log_file
        if policies:
            path = self.directory / 'policies.yaml'
            path.write_text(json.dumps(policies))
            options['oslo_policy'] = {
                'policy_file': path, 'policy_dirs': self.directory / 'none'}
        if kind is glance.DebianGlanceApi:
            kwargs = {'workers': 1, **kwargs}
            venv = services.debian_venv()
        else:
            venv = pathlib.Path(sys.prefix)
        api = kind(self.directory, venv, stores={'file': {'type': 'file'}},
                   options=options, router=router, **kwargs)
        self.addCleanup(api.stop)
        return api

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
    BY_DEFAULT = location_facts.POLICIES[:2]

    def test_enforce_is_the_default_and_refuses(self) -> None:
        log = self.refused(self.make(self.KIND))
        self.assertEqual(1, log.count(REFUSED))
        self.assertEqual(1, log.count(FOUND))
        self.assertIn('ImageNotAuthorized', log)
        for lines in ('    [DEFAULT]\n    show_multiple_locations = True\n',
                      '    [glance_progress]\n    location_check = warn'):
            self.assertEqual(1, log.count(lines), lines)
        self.assertNotIn('router.py', log)  # no traceback

    def test_message_in_log_and_on_stderr(self) -> None:
        path = self.directory / 'glance.log'
        printed = self.refused(self.make(self.KIND, log_file=path))
        for text in (printed, path.read_text()):
            self.assertEqual(1, text.count(REFUSED))
            self.assertEqual(1, text.count('location_check = warn'))

    def test_enforce_starts_what_works(self) -> None:
        log = self.start(self.make(self.KIND, multiple=True))
        self.assertNotIn(FOUND, log)
        self.assertEqual(1, log.count(OPEN + ', '.join(self.BY_DEFAULT)))

    def test_warn(self) -> None:
        log = self.start(self.make(self.KIND, ours={'location_check': 'warn'}))
        self.assertEqual(1, log.count(FOUND))
        self.assertNotIn(REFUSED, log)


class StartTest(Starts, TestCase):

    def test_new_api(self) -> None:
        log = self.start(self.make(
            self.KIND, ours={'location_consumers': 'new-api'}))
        self.assertNotIn('location_guard', log)

    def test_off(self) -> None:
        log = self.start(self.make(self.KIND, ours={'location_check': 'off'}))
        self.assertNotIn(FOUND, log)

    def test_wrong_value(self) -> None:
        log = self.refused(self.make(
            self.KIND, ours={'location_check': 'sometimes'}))
        self.assertIn('location_check', log)
        self.assertIn('sometimes', log)


class DebianStartTest(Starts, TestCase):
    """Zed, under eventlet: checked before it forks its workers."""

    KIND = glance.DebianGlanceApi
    BY_DEFAULT = location_facts.POLICIES

    def test_new_api(self) -> None:
        log = self.refused(self.make(
            self.KIND, ours={'location_consumers': 'new-api'}))
        self.assertEqual(1, log.count('the only one that Glance 25 has'))
        self.assertNotIn('Or: ', log)


class ProcessesTest(TestCase):

    def test_warn_once_a_process(self) -> None:
        api = self.make(ours={'location_check': 'warn'}, processes=2)
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
        self.api = self.make(self.KIND, router=None, **kwargs)
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
        # 400: it is allowed, but there is no such Ceph here.
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
                      multiple=True, policies=FOR_SERVICES)


class DebianRowsTest(RowsTest):

    KIND = glance.DebianGlanceApi
    POST = (404, 404)


class GuardTest(testtools.TestCase):

    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        self.conf = cfg.ConfigOpts()
        opts.register(self.conf)
        self.conf.register_opt(
            cfg.BoolOpt('show_image_direct_url', default=True))
        self.conf.register_opt(
            cfg.BoolOpt('show_multiple_locations', default=False))
        self.conf(args=[], default_config_files=[], default_config_dirs=[])
        # A process of its own.
        self.useFixture(fixtures.MonkeyPatch(
            'glance_progress.api.location_guard._said', set()))

    def test_factory_runs_twice(self) -> None:
        self.conf.set_override('location_check', 'warn', opts.GROUP)
        for _ in range(2):
            location_guard.check(self.conf)
        self.assertEqual(1, self.log.output.count(FOUND))

    def broken(self, name: str) -> None:
        def fail(*args: Any) -> None:
            raise KeyError('bug')
        self.useFixture(fixtures.MonkeyPatch('glance_progress.' + name, fail))

    def test_a_bug_stops_nothing(self) -> None:
        self.broken('location_check.findings')
        location_guard.check(self.conf)
        self.assertIn('glance-api starts without it', self.log.output)
        self.assertIn('KeyError', self.log.output)

    def test_a_bug_in_the_policies_stops_nothing(self) -> None:
        self.broken('api.location_policy.read')
        self.conf.set_override('show_multiple_locations', True)
        location_guard.check(self.conf)
        self.assertIn('policies on image locations cannot be read',
                      self.log.output)


class StatusTest(TestCase):
    """The command, with the files of a service that never runs."""

    def setUp(self) -> None:
        super().setUp()
        # Not in that of the run, which others may not enter.
        self.directory = pathlib.Path(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, self.directory, ignore_errors=True)
        self.directory.chmod(0o755)
        self.python = sys.executable

    def run_status(
        self, api: glance.GlanceBase, *args: str, **kwargs: Any
    ) -> int:
        api.write_files()
        done = subprocess.run(
            [self.python, '-m', 'glance_progress.cmd.status',
             '--config-file', str(api.conf), 'check', *args],
            capture_output=True, text=True, cwd='/', **kwargs)
        self.out, self.err = done.stdout, done.stderr
        self.assertNotIn('hunter2', self.out + self.err)
        return done.returncode

    def file(self, name: str, text: str, mode: int = 0o644) -> pathlib.Path:
        path = self.directory / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def test_results(self) -> None:
        nova = ('--nova-conf', str(self.file('nova.conf', NOVA)),
                '--nova-release', '2026.2')
        self.assertEqual(2, self.run_status(self.make(), *nova))
        self.assertIn('location_consumers = new-api', self.out)
        new = {'location_consumers': 'new-api'}
        self.assertEqual(0, self.run_status(self.make(ours=new), *nova))
        self.assertEqual(
            1, self.run_status(self.make(ours=new, multiple=True), *nova,
                               '--json'))
        self.assertEqual(
            ['multiple-locations-needless', 'location-policies-open'],
            [finding['code']
             for finding in json.loads(self.out)['findings']])

    def test_policies(self) -> None:
        for policies, code, named in (
            (FOR_SERVICES, 0, ''),
            ({**FOR_SERVICES, 'set_image_location': ''}, 1,
             'pass set_image_location.'),
            ({**FOR_SERVICES, 'set_image_location': 'role:uploader'}, 0, ''),
            ({**FOR_SERVICES, 'o': 'tenant:%(owner)s',
              'delete_image_location': 'rule:o'}, 1,
             'pass delete_image_location.'),
            ({**FOR_SERVICES, 'opa': 'http://127.0.0.1:1/%(owner)s',
              'get_image_location': 'rule:opa'}, 1,
             'decides on get_image_location'),
        ):
            api = self.make(multiple=True, policies=policies)
            self.assertEqual(code, self.run_status(api), policies)
            self.assertIn(named, ' '.join(
                self.out.replace('|', ' ').split()))

    def test_policies_that_cannot_be_read(self) -> None:
        api = self.make(multiple=True, policies={'a': 'b'})
        for text in ('[1, 2', '"set_image_location": [[['):
            (self.directory / 'policies.yaml').write_text(text)
            self.assertEqual(255, self.run_status(api), self.out)
        (self.directory / 'policies.yaml').unlink()
        self.assertEqual(255, self.run_status(api))
        self.assertIn('policies.yaml', self.err)

    def test_without_glance(self) -> None:
        self.file('glance.py', 'raise ImportError("none here")\n')
        self.assertEqual(255, self.run_status(
            self.make(), env={**os.environ,
                              'PYTHONPATH': str(self.directory)}))
        self.assertIn('glance cannot be imported', self.err)

    def test_as_an_ordinary_user(self) -> None:
        if os.geteuid():
            self.skipTest('needs root, to become somebody else')
        # Others may not enter root's home, where the other one may be.
        services.make_debian_venv(self.directory / 'venv')
        self.python = str(self.directory / 'venv' / 'bin' / 'python3')
        nobody: dict[str, Any] = {
            'user': NOBODY, 'group': NOBODY, 'extra_groups': [],
            'env': {**os.environ, 'HOME': '/', 'PYTHONDONTWRITEBYTECODE': '1'}}
        api = self.make(multiple=True, policies=FOR_SERVICES)
        self.assertEqual(0, self.run_status(api, **nobody), self.err)
        secret = self.file('nova.conf', NOVA, 0o600)
        self.assertEqual(255, self.run_status(
            api, '--nova-conf', str(secret), **nobody))
        self.assertIn(str(secret), self.err)
        (self.directory / 'policies.yaml').chmod(0o600)
        self.assertEqual(255, self.run_status(api, **nobody))
        self.assertIn('policies.yaml', self.err)
