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

import threading

from glance_progress_tempest_plugin.common import slow_upload
from tests.unit import base


class TestSlowUpload(base.TestCase):

    def setUp(self):
        super().setUp()
        self.received = []
        self.arrived = threading.Semaphore(0)
        self.ended_by = None

    def upload(self, data, size):
        self.size = size
        try:
            for piece in data:
                self.received.append(piece)
                self.arrived.release()
        except Exception as exc:
            self.ended_by = exc
            raise

    def wait_for_pieces(self, number):
        for _ in range(number):
            self.assertTrue(self.arrived.acquire(timeout=base.PATIENCE))

    def test_all_of_it(self):
        with slow_upload.SlowUpload(self.upload, 3) as upload:
            upload.send(1)
            self.wait_for_pieces(1)
            # No more comes before it is let go.
            self.assertFalse(self.arrived.acquire(timeout=0.1))
            upload.finish()
        self.assertEqual(3 * slow_upload.MiB, self.size)
        self.assertEqual(3 * [slow_upload.DATA], self.received)
        self.assertEqual(slow_upload.MiB, len(slow_upload.DATA))
        self.assertIsNone(self.ended_by)

    def test_broken_off(self):
        with slow_upload.SlowUpload(self.upload, 3) as upload:
            upload.send(1)
            self.wait_for_pieces(1)
        self.assertIsInstance(self.ended_by, slow_upload.BrokenOff)
        self.assertEqual([slow_upload.DATA], self.received)

    def test_broken_off_by_a_failing_test(self):
        def fail():
            with slow_upload.SlowUpload(self.upload, 3):
                raise ValueError
        self.assertRaises(ValueError, fail)
        self.assertIsInstance(self.ended_by, slow_upload.BrokenOff)

    def test_refused(self):
        def refuse(data, size):
            raise ValueError
        with slow_upload.SlowUpload(refuse, 3) as upload:
            self.assertRaises(ValueError, upload.finish)
