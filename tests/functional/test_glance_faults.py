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

"""A client, an OSD or glance-api fails in the middle of an upload."""

from __future__ import annotations

import hashlib
import signal
import time
from typing import Any

from tests.functional import base
from tests.functional import fault_base
from tests.functional import glance_base
from tests.functional import http_upload

MiB = base.MiB


class GlanceFaultTestCase(
        fault_base.FaultTestCase, glance_base.GlanceTestCase):
    """Has uploads of which Ceph holds the first half."""

    half = 20 * MiB

    def setUp(self) -> None:
        super().setUp()
        self.content = base.data(2 * self.half)

    def half_uploaded(self) -> tuple[str, http_upload.Upload]:
        """Return an image's id, and its upload, to go on with."""
        image_id = self.create()
        upload = self.upload(image_id, len(self.content))
        upload.send(self.content[:self.half])
        self.wait_shown(image_id, bytes_written=self.half)
        return image_id, upload

    def status(self, image_id: str) -> str:
        return self.client.images.get(image_id).status

    def assert_content_stored(self, image_id: str) -> None:
        self.assert_stored(
            image_id, hashlib.sha512(self.content).hexdigest())


class GlanceFaultTest(GlanceFaultTestCase):

    @classmethod
    def make_api(cls) -> Any:
        return glance_base.make(
            'glance-pipeline', section={'writes_in_flight': 4})

    def test_client_gone(self) -> None:
        image_id, upload = self.half_uploaded()
        self.assertIn(image_id, self.images())
        upload.abandon()
        self.wait_shown(image_id, state=glance_base.FAILED)
        self.wait_for(lambda: self.status(image_id) == 'queued')
        self.assertNotIn(image_id, self.images())

    def test_osd_killed_and_restarted(self) -> None:
        osd = self.ceph.osd
        image_id, upload = self.half_uploaded()
        osd.send_signal(signal.SIGKILL)
        self.wait_for(lambda: not osd.running)
        # The rest does not fit into what is between here and there.
        self.later(2, osd.start)
        upload.send(self.content[self.half:])
        self.assertEqual(204, upload.end())
        osd.wait_ready()
        self.assertEqual('active', self.status(image_id))
        self.assert_content_stored(image_id)
        self.wait_shown(image_id, state=glance_base.FINISHED,
                        bytes_written=len(self.content))

    def test_told_to_end_gracefully(self) -> None:
        api = glance_base.make(
            'glance-graceful', section={'writes_in_flight': 4}, uwsgi_args=[
                '--hook-master-start',
                'unix_signal:15 gracefully_kill_them_all'])
        with api:
            self.api, self.client = api, api.client(glance_base.HEADERS)
            image_id, upload = self.half_uploaded()
            api.send_signal(signal.SIGTERM)
            time.sleep(1)
            upload.send(self.content[self.half:])
            self.assertEqual(204, upload.end())
            self.wait_for(lambda: not api.running)
        self.assert_content_stored(image_id)
        with api:
            self.assertEqual('active', self.status(image_id))


class GlanceTimeoutTest(GlanceFaultTestCase):
    """An OSD that is away for longer than the store waits for it."""

    @classmethod
    def make_api(cls) -> Any:
        stores = {'ceph': {**glance_base.STORES['ceph'],
                           'rados_connect_timeout': 4}}
        return glance_base.make(
            'glance-timeout', stores=stores, section={'writes_in_flight': 4})

    def test_osd_stands_still_for_too_long(self) -> None:
        osd = self.ceph.osd
        image_id, upload = self.half_uploaded()
        osd.send_signal(signal.SIGSTOP)
        self.addCleanup(osd.send_signal, signal.SIGCONT)
        # What fits into the upload's window and the connection.
        upload.send(self.content[self.half:self.half + 6 * MiB])
        # librbd tries five times, which takes 20 s. What cleans up then waits
        # four seconds, and finds the OSD there.
        self.wait_for(lambda: 'Failed to store image %s' % image_id
                      in self.api.log_tail(20))
        osd.send_signal(signal.SIGCONT)
        self.wait_for(lambda: self.status(image_id) == 'queued')
        self.assertNotIn(image_id, self.images())
        self.wait_shown(image_id, state=glance_base.FAILED)
        # The next attempt finds nothing in its way.
        upload = self.upload(image_id, len(self.content))
        upload.send(self.content)
        self.assertEqual(204, upload.end())
        self.assert_content_stored(image_id)
