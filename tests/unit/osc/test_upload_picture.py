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

import fcntl
import io
import os
import pty
import re
import struct
import termios

from glance_progress.osc import upload_picture
from glance_progress.upload import item
from glance_progress.upload import tasks
from tests.unit import base
from tests.unit import image_api


class Source:
    label, size = 'a', 1000


class TestBars(base.TestCase):

    def test_narrow_terminal(self):
        """Of a long name there is less, and of what it says enough."""
        terminal, line = pty.openpty()
        self.addCleanup(os.close, terminal)
        stream = open(line, 'w')
        self.addCleanup(stream.close)
        self.patch('sys.stderr', stream)
        fcntl.ioctl(stream, termios.TIOCSWINSZ,
                    struct.pack('HHHH', 24, 20, 0, 0))
        task = tasks.Task(item.Item('a-long-name-of-an-image', Source()))
        task.state = tasks.SENDING
        picture = upload_picture.choose([task], 4)
        picture.update(False)
        picture.close()
        drawn = b''
        while b'all: ' not in drawn:
            drawn += os.read(terminal, 1024)
        drawn = drawn.decode()
        self.assertIn('a-long-na:   0.0%|', drawn)
        lines = re.split('\r|\n|\x1b\\[A', drawn)
        self.assertLessEqual(max(map(len, lines)), 20)


class TestLines(base.TestCase):

    def setUp(self):
        super().setUp()
        self.stderr = io.StringIO()
        self.patch('sys.stderr', self.stderr)
        self.tasks = [tasks.Task(item.Item(name, Source()))
                      for name in ('a', 'b\x1b[2J')]
        self.picture = upload_picture.Lines(self.tasks)

    def update(self, blind=False):
        before = len(self.stderr.getvalue())
        self.picture.update(blind)
        return self.stderr.getvalue()[before:].splitlines()

    def test_what_is_new(self):
        task = self.tasks[0]
        self.assertEqual(1, len(self.update()))
        task.state = tasks.SENDING
        self.assertEqual(['a:   0.0%, queued'], self.update())
        task.snapshot = image_api.uploading()
        lines = self.update()
        self.assertIn('a:  25.0%, saving, 250B/0.98KiB', lines[0])
        self.assertIn('all:  12.5%', lines[1])
        self.assertIn('0 of 2 done', lines[1])
        task.snapshot = image_api.uploading(251)
        self.assertEqual([], self.update())

    def test_ends(self):
        good, bad = self.tasks
        good.image_id, good.verified, good.verified_by = 'i', True, 'sha512'
        good.saved = 2048
        good.end(tasks.UPLOADED)
        bad.end(tasks.FAILED, 'No room.')
        self.assertEqual(
            ['a: uploaded as i, verified by sha512, 2.00KiB saved',
             'b?[2J: failed: No room.'], self.update()[:2])
        self.assertEqual([], self.update())

    def test_blind(self):
        self.tasks[0].state = tasks.SENDING
        lines = self.update(blind=True)
        self.assertEqual(upload_picture.BLIND, lines[0])
        self.assertIn('0B sent', lines[1])
        self.assertNotIn(upload_picture.BLIND, self.update(blind=True))

    def test_without_a_record(self):
        """As when memcached is down."""
        task = self.tasks[0]
        task.state = tasks.SENDING
        task.snapshot = image_api.a_snapshot('saving')
        self.assertEqual('a:   0.0%, saving, 0B sent', self.update()[0])

    def test_waiting_and_stalled(self):
        task = self.tasks[0]
        task.state = tasks.SENDING
        task.snapshot = image_api.uploading()
        task.snapshot['stores'][0]['stalled'] = True
        self.assertIn('stalled for', self.update()[0])
