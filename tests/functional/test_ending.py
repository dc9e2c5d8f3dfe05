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

"""What an orderly stop of glance-api cuts off is told before it goes."""

from __future__ import annotations

import pathlib
import signal
import time

from allinone.daemons import glance
from glance_progress.driver import failure
from glance_progress.records import wire
from tests.functional import api_base
from tests.functional import base
from tests.functional import glance_base
from tests.functional import services

MiB = base.MiB


class EndingTests:
    """What holds for each supported way to run glance-api."""

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.start_again)

    def start_again(self) -> None:
        if not self.api.running:
            self.api.start()
            self.api.wait_ready()

    def begun(self) -> str:
        """Begin an upload that waits for its sender."""
        image_id = self.create()
        upload = self.upload(image_id, 4 * MiB)
        upload.send(base.data(2 * MiB))
        self.wait_shown(image_id, bytes_written=2 * MiB)
        return image_id

    def assert_ended(self, image_id: str) -> None:
        """As memcached has it when glance-api has gone."""
        record = self.record(
            self.conf(services.memcached().address), image_id, 'ceph')
        self.assertEqual((wire.FAILED, failure.ENDED, 2 * MiB), (
            record.state, record.failure, record.bytes_written))

    def test_stop(self) -> None:
        images = [self.begun(), self.begun()]
        self.api.send_signal(signal.SIGTERM)
        self.wait_for(lambda: not self.api.running)
        for image_id in images:
            self.assert_ended(image_id)


class UwsgiTest(EndingTests, api_base.ApiTestCase):
    """Threads under uwsgi, which runs no Python in a worker at work."""

    touched: pathlib.Path

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        cls.touched = services.directory() / 'glance-ending-reload'
        cls.touched.touch()
        return api_base.make('glance-ending', uwsgi_args=(
            '--touch-workers-reload', str(cls.touched)))

    def test_reload(self) -> None:
        """It waits for requests, so that nothing is cut off."""
        image_id = self.create()
        upload = self.upload(image_id, 4 * MiB)
        upload.send(base.data(2 * MiB))
        self.wait_store(image_id, bytes_written=2 * MiB)
        self.touched.touch()
        self.wait_for(lambda: 'Gracefully killing worker'
                      in self.api.log_path.read_text())
        upload.send(base.data(2 * MiB))
        self.assertEqual(204, upload.end())
        self.wait_shown(image_id, state=wire.FINISHED)
        self.wait_for(self.api.ready)

    def test_import(self) -> None:
        """Glance waits for it, if a worker does nothing else."""
        self.slow_ceph()
        image_id = self.stage(content=base.data(12 * MiB))
        self.client.images.image_import(
            image_id, 'glance-direct', stores=['ceph'])
        self.wait_store(image_id, state='uploading')
        # For a worker that still closes a request uwsgi calls no atexit, so
        # that Glance does not wait.
        time.sleep(0.5)
        self.api.send_signal(signal.SIGTERM)
        self.wait_for(lambda: not self.api.running)
        record = self.record(
            self.conf(services.memcached().address), image_id, 'ceph')
        self.assertEqual(wire.FINISHED, record.state)


class EventletTest(EndingTests, api_base.ApiTestCase):
    """The last release with a script of its own."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return glance_base.make(
            'glance-ending-eventlet', kind=glance.EventletGlanceApi,
            workers=1, venv=services.released_venv('2025.2'))
