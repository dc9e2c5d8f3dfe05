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
"""What Glance does in an import beside moving data, and why one fails."""

from __future__ import annotations

import gzip
import io
import json
import re
import signal
import subprocess
import time
from typing import Any

import psutil

from allinone.daemons import glance
from glance_progress.imports import reasons
from glance_progress.records import wire
from tests.functional import api_base
from tests.functional import base
from tests.functional import misbehaving_source
from tests.functional import services
from tests.functional import slow_conversion

MiB = base.MiB
STAGING = wire.STAGING_STORE

# Glance passes the token on to another Glance.
WITH_TOKEN = {**api_base.OWNER, 'X-Auth-Token': 'none'}


class TestCase(api_base.ApiTestCase):

    @classmethod
    def options(cls) -> dict[str, dict[str, Any]]:
        return {
            **cls.filtering(),
            'DEFAULT': {'enabled_import_methods':
                        '[glance-direct,web-download,glance-download,'
                        'copy-image]'},
            'image_import_opts': {
                'image_import_plugins':
                    '[image_decompression,image_conversion]'},
            'image_conversion': {'output_format': 'raw'}}

    def source(self, content: bytes = b'') -> misbehaving_source.Source:
        return self.useFixture(misbehaving_source.Source(
            self.download_port, content, self.api.url))

    def download(self, path: str, content: bytes = b'') -> str:
        """Begin to import what the source has at *path*."""
        self.the_source = self.source(content)
        image_id = self.create()
        self.client.images.image_import(
            image_id, 'web-download', stores=['ceph'],
            uri=self.the_source.url + path)
        return image_id

    def assert_fails(
        self, image_id: str, reason: str, store: str = 'ceph'
    ) -> dict[str, Any]:
        """Wait until the import has failed for *reason*, and return all."""
        # A record of it, and what Glance says, come one after the other.
        self.wait_store(image_id, store, failure=reason)
        answer = self.wait_progress(image_id, phase='failed')
        self.assertEqual(
            reason, api_base.by_store(answer)[store]['failure'], answer)
        self.assertEqual(reason, answer['last_failure']['failure'])
        return answer

    def disk(self, size: int) -> bytes:
        """Return a disk of *size* bytes as qcow2."""
        raw = services.directory() / 'disk.raw'
        qcow2 = services.directory() / 'disk.qcow2'
        raw.write_bytes(base.data(size))
        subprocess.run(['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2',
                        raw, qcow2], check=True)
        return qcow2.read_bytes()

    def staged_disk(self, size: int) -> str:
        image_id = self.client.images.create(
            disk_format='qcow2', container_format='bare').id
        self.client.images.stage(image_id, io.BytesIO(self.disk(size)))
        return image_id

    def seen(self, image_id: str, phase: str) -> list[dict[str, Any]]:
        """Wait for the end of *phase*, and return all that was said of it."""
        answers = [self.wait_progress(image_id, phase=phase)]
        while answers[-1]['phase'] == phase:
            answers.append(self.progress(image_id))
        return answers[:-1]

    def assert_rises(self, seen: list[dict[str, Any]]) -> None:
        percents = [each['percent'] for each in seen]
        self.assertNotIn(None, percents)
        self.assertEqual(sorted(percents), percents)
        self.assertGreater(len(set(percents)), 2, percents)
        self.assertTrue(any(10 < each < 90 for each in percents), percents)


class CommonTests:
    """What holds for each supported Glance."""

    def test_conversion(self) -> None:
        image_id = self.staged_disk(24 * MiB)
        staged = self.progress(image_id)
        self.assertEqual(('staged', 'import'), (
            staged['phase'], staged['waiting_for']))
        self.assertIsNotNone(staged['waiting_since'])
        self.client.images.image_import(
            image_id, 'glance-direct', stores=['ceph'])
        seen = self.seen(image_id, 'converting')
        self.assert_rises(seen)
        self.assertTrue(any(api_base.by_store(each)[STAGING]['eta']
                            for each in seen))
        self.assertEqual({'importing'}, {each['status'] for each in seen})
        self.assertEqual({None}, {each['waiting_for'] for each in seen})
        done = self.wait_progress(image_id, phase='done')
        self.assertEqual({'ceph': 'finished', STAGING: 'finished'},
                         api_base.states(done))
        self.assertEqual(base.data(24 * MiB), self.rbd_content(image_id))
        self.wait_progress(image_id, import_lock=None)

    def test_silent_sender(self) -> None:
        for target, phase in ('file', 'upload'), ('stage', 'staging'):
            image_id = self.create()
            upload = self.upload(image_id, 2 * MiB, target)
            waiting = self.wait_progress(
                image_id, phase=phase, waiting_for='data')
            self.assertIsNotNone(waiting['waiting_since'])
            upload.send(base.data(2 * MiB))
            self.assertEqual(204, upload.end())
            self.assertNotEqual(
                'data', self.progress(image_id)['waiting_for'])

    def test_silent_source(self) -> None:
        content = base.data(2 * MiB)
        image_id = self.download('/silent', content)
        waiting = self.wait_progress(
            image_id, phase='staging', waiting_for='source')
        self.assertIsNotNone(waiting['waiting_since_iso'])
        self.assertEqual(({'ceph': 'waiting', STAGING: 'uploading'}),
                         api_base.states(waiting))
        lock = waiting['import_lock']
        self.assertEqual((False, None), (
            lock['worker_gone'], lock['free_at']))
        self.assertAlmostEqual(lock['since'], waiting['waiting_since'],
                               delta=10)
        self.the_source.go_on.set()
        self.wait_progress(image_id, phase='done', waiting_for=None)
        self.assertEqual(content, self.rbd_content(image_id))

    def test_signs_of_life_of_a_download(self) -> None:
        """The staging area, which knows no request, tells of this import."""
        content = base.data(4 * MiB)
        image_id = self.download('/half', content)
        half = self.wait_store(image_id, STAGING, bytes_written=2 * MiB)
        lock, staging = half['import_lock'], api_base.by_store(half)[STAGING]
        self.assertIs(False, lock['worker_gone'])
        # The database's times are whole seconds, and some of them round up.
        self.assertGreaterEqual(
            lock['last_sign_of_life'], staging['updated_at'])
        self.assertIsNotNone(staging['request_id'])
        self.the_source.go_on.set()
        self.wait_progress(image_id, phase='done')

    def test_source_that_has_nothing(self) -> None:
        answer = self.assert_fails(
            self.download('/missing'), reasons.MISSING % 404)
        self.assertEqual('queued', answer['status'])

    def test_source_that_ends_early(self) -> None:
        self.assert_fails(
            self.download('/short', base.data(2 * MiB)), reasons.SHORT)


class StepsTest(CommonTests, TestCase):
    """Today's Glance."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-steps', kind=slow_conversion.SlowConversion,
            options=cls.options(),
            # Its options say where to send what is staged elsewhere.
            uwsgi_args=('--import', 'tests.functional.keystone_options'))

    def test_decompression_of_another_format(self) -> None:
        image_id = self.client.images.create(
            disk_format='qcow2', container_format='bare').id
        packed = io.BytesIO()
        with gzip.GzipFile(fileobj=packed, mode='wb', compresslevel=1) as out:
            for _ in range(512):
                out.write(bytes(MiB))
        packed.seek(0)
        self.client.images.stage(image_id, packed)
        self.client.images.image_import(
            image_id, 'glance-direct', stores=['ceph'])
        self.assert_rises(self.seen(image_id, 'decompressing'))
        self.assert_fails(image_id, reasons.OTHER_FORMAT)

    def test_what_cannot_be_decompressed(self) -> None:
        image_id = self.stage(content=gzip.compress(base.data(MiB))[:-1000])
        self.client.images.image_import(
            image_id, 'glance-direct', stores=['ceph'])
        self.assert_fails(image_id, reasons.UNDECOMPRESSED)

    def test_source_that_says_its_length(self) -> None:
        image_id = self.download('/late', base.data(2 * MiB))
        waiting = self.wait_store(image_id, STAGING, total_bytes=2 * MiB)
        self.assertEqual(('staging', 'source'), (
            waiting['phase'], waiting['waiting_for']))
        self.the_source.go_on.set()
        self.wait_progress(image_id, phase='done')

    def test_source_that_redirects(self) -> None:
        self.assert_fails(self.download('/redirect'), reasons.REDIRECTED)

    def test_no_source(self) -> None:
        image_id = self.create()
        self.client.images.image_import(
            image_id, 'web-download', stores=['ceph'],
            uri='http://127.0.0.1:%d/image' % self.download_port)
        self.assert_fails(image_id, reasons.UNREACHABLE)

    def test_data_that_are_staged_elsewhere(self) -> None:
        image_id = self.stage()
        services.mariadb().execute(
            "UPDATE glance_steps.image_properties"
            " SET value = 'http://127.0.0.1:%d'"
            " WHERE name = 'os_glance_stage_host' AND image_id = '%s'" % (
                self.download_port, image_id))
        answer = self.request(
            'POST', '/v2/images/%s/import' % image_id, WITH_TOKEN, json={
                'method': {'name': 'glance-direct'}, 'stores': ['ceph']})
        # Glance means to answer 504.
        self.assertIn(answer.status_code, (500, 504))
        answer = self.wait_store(image_id, STAGING, state='failed')
        self.assertEqual(('staged', 'import', reasons.STAGED_ELSEWHERE), (
            answer['phase'], answer['waiting_for'],
            answer['last_failure']['failure']))

    def import_from_glance(self, source_id: str) -> str:
        source = self.the_source = self.source()
        catalog = [{'type': 'image', 'name': 'glance', 'endpoints': [{
            'region': 'other', 'publicURL': source.url + '/glance'}]}]
        image_id = self.create()
        answer = self.request(
            'POST', '/v2/images/%s/import' % image_id,
            {**WITH_TOKEN, 'X-Service-Catalog': json.dumps(catalog)},
            json={'method': {
                'name': 'glance-download', 'glance_region': 'other',
                'glance_image_id': source_id}, 'stores': ['ceph']})
        self.assertEqual(202, answer.status_code, answer.text)
        return image_id

    def test_download_from_another_glance(self) -> None:
        content = base.data(2 * MiB)
        image_id = self.import_from_glance(self.put(content))
        # The staging area is not told, and the other Glance knows.
        waiting = self.wait_store(image_id, STAGING, total_bytes=2 * MiB)
        self.assertEqual(('staging', 'source'), (
            waiting['phase'], waiting['waiting_for']))
        self.the_source.go_on.set()
        self.wait_progress(image_id, phase='done')
        self.assertEqual(content, self.rbd_content(image_id))

    def test_download_of_what_is_not_there(self) -> None:
        image_id = self.import_from_glance(self.create())
        self.assert_fails(image_id, reasons.INACTIVE)

    def test_data_that_change_between_stores(self) -> None:
        image_id = self.stage(content=base.data(12 * MiB))
        self.slow_ceph()
        self.client.images.image_import(
            image_id, 'glance-direct', stores=['ceph', 'second'])
        self.wait_store(image_id, 'ceph', bytes_written=6 * MiB)
        with open(self.api.directory / 'staging' / image_id, 'r+b') as staged:
            staged.write(b'another')
        self.assert_fails(image_id, reasons.DIFFERENT, 'second')

    def test_worker_that_is_killed(self) -> None:
        image_id = self.staged_disk(64 * MiB)
        self.client.images.image_import(
            image_id, 'glance-direct', stores=['ceph'])
        self.wait_progress(image_id, phase='converting')
        self.kill_worker()
        # uwsgi starts another one.
        answer = self.wait_for(lambda: self.with_lost_worker(image_id))
        lock = answer['import_lock']
        self.assertEqual('converting', answer['phase'])
        # Glance lets nobody import it, at no time.
        self.assertIsNone(lock['free_at'])
        self.assertLessEqual(lock['since'], lock['last_sign_of_life'])
        self.end_task(image_id)

    def test_download_whose_worker_is_killed(self) -> None:
        image_id = self.download('/half', base.data(4 * MiB))
        self.wait_store(image_id, STAGING, bytes_written=2 * MiB)
        self.kill_worker()
        answer = self.wait_for(lambda: self.with_lost_worker(image_id))
        self.assertEqual('staging', answer['phase'])
        self.end_task(image_id)

    def test_copy_whose_worker_is_killed(self) -> None:
        image_id = self.put(base.data(24 * MiB))
        self.slow_ceph()
        self.api.client(api_base.ADMIN).images.image_import(
            image_id, 'copy-image', stores=['second'])
        self.wait_store(image_id, 'second', state='uploading')
        self.kill_worker()
        lock = self.wait_for(
            lambda: self.with_lost_worker(image_id))['import_lock']
        # Glance says in its log for how much longer the lock is valid.
        answer = self.request(
            'POST', '/v2/images/%s/import' % image_id, api_base.ADMIN,
            json={'method': {'name': 'copy-image'}, 'stores': ['second']})
        self.assertEqual(409, answer.status_code)
        left = re.findall('remains valid for ([0-9]+) more',
                          self.api.log_tail(50))
        self.assertAlmostEqual(
            int(left[-1]), lock['free_at'] - time.time(), delta=30)
        self.end_task(image_id)

    def with_lost_worker(self, image_id: str) -> dict[str, Any] | None:
        answer = self.progress(image_id)
        gone = answer['import_lock']['worker_gone']
        return answer if gone else None

    def end_task(self, image_id: str) -> None:
        """Delete an image whose import nobody works on any more."""
        self.client.images.delete(image_id)
        services.mariadb().execute(
            "UPDATE glance_steps.tasks SET status = 'failure'"
            " WHERE image_id = '%s'" % image_id)

    def kill_worker(self) -> None:
        """Kill glance-api's worker, and what it has started."""
        master = psutil.Process(self.api.pid)
        children = [each for child in master.children()
                    for each in child.children(recursive=True)]
        for each in [*master.children(), *children]:
            each.send_signal(signal.SIGKILL)
        self.wait_for(self.api.ready)


class DebianStepsTest(CommonTests, TestCase):
    """Zed as Debian 12 packages it, under eventlet."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-steps-debian', kind=slow_conversion.SlowDebianConversion,
            venv=services.debian_venv(), workers=1, options=cls.options())
