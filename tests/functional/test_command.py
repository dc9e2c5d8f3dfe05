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

"""The command glance-progress, beside a real glance-api."""

from __future__ import annotations

import pathlib
import subprocess
import sys

from glance_progress.driver import failure
from tests.functional import base
from tests.functional import glance_base

MiB = base.MiB


class CommandTest(glance_base.GlanceTestCase):

    def watch(self, image_id: str, *args: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [str(pathlib.Path(sys.executable).with_name('glance-progress')),
             '--config-file', str(self.api.conf), 'watch',
             '--interval', '0.1', *args, image_id],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def test_watch_to_the_end(self) -> None:
        image_id = self.create()
        watcher = self.watch(image_id)
        upload = self.upload(image_id, 4 * MiB)
        upload.send(base.data(2 * MiB))
        self.wait_line(watcher, '2.00MiB/4.00MiB')
        upload.send(base.data(2 * MiB))
        self.assertEqual(204, upload.end())
        out, _ = watcher.communicate(timeout=60)
        self.assertEqual(0, watcher.returncode)
        self.assertIn('100.0%', out.splitlines()[-1])

    def test_watch_a_failure(self) -> None:
        image_id = self.create()
        watcher = self.watch(image_id)
        upload = self.upload(image_id, 4 * MiB)
        upload.send(base.data(2 * MiB))
        self.wait_shown(image_id, bytes_written=2 * MiB)
        upload.abandon()
        out, _ = watcher.communicate(timeout=60)
        self.assertEqual(1, watcher.returncode)
        self.assertIn(failure.SOURCE, out)

    def test_watch_a_stalled_one(self) -> None:
        api = glance_base.make('glance-stalled', section={'stalled_after': 1})
        with api:
            self.api, self.client = api, api.client(glance_base.HEADERS)
            image_id = self.create()
            upload = self.upload(image_id, 4 * MiB)
            upload.send(base.data(2 * MiB))
            watcher = self.watch(image_id, '--timeout', '3')
            out, _ = watcher.communicate(timeout=60)
            self.assertEqual(2, watcher.returncode)
            self.assertIn('stalled', out)
            # Without a timeout it stays, and sees the end.
            watcher = self.watch(image_id)
            self.wait_line(watcher, 'stalled')
            upload.send(base.data(2 * MiB))
            self.assertEqual(204, upload.end())
            watcher.communicate(timeout=60)
            self.assertEqual(0, watcher.returncode)

    def test_watch_nothing(self) -> None:
        watcher = self.watch(self.image_id(), '--timeout', '0.5')
        _, err = watcher.communicate(timeout=60)
        self.assertEqual(2, watcher.returncode)
        self.assertIn('No record of image', err)
