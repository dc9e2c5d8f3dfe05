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

"""Several stores, of which one is away: no Ceph answers, or it has no pool."""

from __future__ import annotations

import time
from typing import Any

import portpicker

from allinone.daemons import glance
from glance_progress.answer import reconcile
from tests.functional import api_base
from tests.functional import base
from tests.functional import glance_base
from tests.functional import services

MiB = base.MiB


def stores() -> dict[str, dict[str, Any]]:
    """Return stores of which the first ones are away."""
    conf = services.directory() / 'away-ceph.conf'
    here = services.ceph()
    conf.write_text(here.client_conf.read_text().replace(
        '127.0.0.1:%d' % here.mon_port,
        '127.0.0.1:%d' % portpicker.pick_unused_port()))
    good = {'type': 'rbd', 'pool': services.POOL, **glance_base.CHUNK}
    return {
        'away': {**good, 'rbd_store_ceph_conf': conf,
                 'rados_connect_timeout': 1},
        'poolless': {**good, 'pool': 'nowhere'},
        'ceph': good,
    }


class AwayTests:
    """What holds for each way to run glance-api, and each type of store."""

    @classmethod
    def options(cls) -> dict[str, Any]:
        return {'stores': stores(), 'default_store': 'ceph', 'options': {
            'image_import_opts': {'max_parallel_stores': 3}}}

    def test_the_others_work(self) -> None:
        content = base.data(4 * MiB)
        image_id = self.create()
        upload = self.upload(image_id, len(content))
        upload.send(content[:2 * MiB])
        self.assertEqual(50, self.wait_store(
            image_id, bytes_written=2 * MiB)['percent'])
        upload.send(content[2 * MiB:])
        self.assertEqual(204, upload.end())
        self.wait_progress(image_id, phase='done', percent=100)
        self.assertEqual(content, self.rbd_content(image_id))

    def test_no_request_waits_for_it(self) -> None:
        image_id = self.put()
        started = time.monotonic()
        for _ in range(20):
            self.progress(image_id)
            self.in_transit()
        # To connect to it takes a second, and each of them would wait.
        self.assertLess(time.monotonic() - started, 15)

    def test_upload_to_it(self) -> None:
        for store in ('away', 'poolless'):
            image_id = self.create()
            upload = self.upload(
                image_id, 3, **{'x-image-meta-store': store})
            upload.send(b'abc')
            self.assertLessEqual(400, upload.end())
            answer = self.wait_progress(image_id, phase='failed')
            told = answer['last_failure']['failure']
            for secret in ('nowhere', str(services.directory()), '127.0.0.1'):
                self.assertNotIn(secret, told)

    def test_import_to_all_of_them(self) -> None:
        content = base.data(2 * MiB)
        for must_succeed in (True, False):
            image_id = self.stage(content=content)
            self.client.images.image_import(
                image_id, 'glance-direct',
                stores=['ceph', 'poolless', 'away'],
                allow_failure=not must_succeed)
            answer = self.wait_progress(image_id, phase='failed')
            if must_succeed:
                self.assertNotEqual('active', answer['status'])
                self.wait_store(image_id, failure=reconcile.NOT_KEPT)
            else:
                self.assertEqual('active', answer['status'])
                self.assertEqual(content, self.rbd_content(image_id))


class AwayTest(AwayTests, api_base.ApiTestCase):
    """Today's Glance, which fills several stores at the same time."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make('glance-away', **cls.options())


class EventletTest(AwayTests, api_base.ApiTestCase):
    """The last release but one that has a script."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-away-eventlet', kind=glance.EventletGlanceApi, workers=1,
            venv=services.released_venv('2025.2'), **cls.options())
