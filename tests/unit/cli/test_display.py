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
import json
import os
import re
import select
import struct
import termios

from glance_progress.cli import display
from glance_progress.records import wire
from tests.unit import base


def described(now=1010, **fields):
    return base.a_record(**fields).describe(now, 60)


class TestWords(base.TestCase):

    def test_size(self):
        for value, text in (
            (0, '0B'), (25.5, '25B'), (999, '999B'), (1000, '0.98KiB'),
            (1536, '1.50KiB'), (100 * 2 ** 20, '100MiB'),
            (3 * 2 ** 30, '3.00GiB'),
        ):
            self.assertEqual(text, display.size(value))

    def test_numbers(self):
        for fields, text in (
            ({}, '250B/1.00KiB, 25B/s, ETA 00:30'),
            ({'total_bytes': None}, '250B, 25B/s'),
            ({'total_bytes': 0, 'bytes_written': 0}, '0B/0B'),
            ({'bytes_written': 0}, '0B/1.00KiB'),
            ({'bytes_written': 1024}, '1.00KiB/1.00KiB, 102B/s'),
        ):
            self.assertEqual(text, display.numbers(
                described(**{'total_bytes': 1024, **fields})))

    def test_state(self):
        for text, fields in (
            ('uploading', {}),
            ('stalled for 01:30', {'now': 1100}),
            ('finished', {'state': wire.FINISHED}),
            ('failed', {'state': wire.FAILED}),
            ('failed: No room.',
             {'state': wire.FAILED, 'failure': 'No room.'}),
        ):
            self.assertEqual(
                text, display.state_and_reason(described(**fields)))

    def test_a_forged_reason_cannot_steer_the_terminal(self):
        self.assertEqual(
            'failed: ?[2J?ö?', display.state_and_reason(described(
                state=wire.FAILED, failure='\x1b[2J\nö\ud800')))


class TestLines(base.TestCase):

    def setUp(self):
        super().setUp()
        self.stdout = io.StringIO()
        self.patch('sys.stdout', self.stdout)

    def lines(self):
        return self.stdout.getvalue().splitlines()

    def test_lines(self):
        lines = display.Lines()
        lines.update([described(), described(store='b', total_bytes=None)])
        self.assertEqual(
            ['ceph  25.0%  250B/0.98KiB, 25B/s, ETA 00:30  uploading',
             'b  unknown total  250B, 25B/s  uploading'], self.lines())

    def test_only_changes(self):
        lines = display.Lines()
        for written in (250, 250, 500, 250):
            lines.update([described(bytes_written=written),
                          described(store='b')])
        lines.close()
        self.assertEqual(
            ['25.0%', '25.0%', '50.0%', '25.0%'],
            [line.split()[1] for line in self.lines()])

    def test_title(self):
        lines = display.Lines()
        for title in ('a', 'a', 'b'):
            lines.title(title)
            lines.update([described()])
        self.assertEqual(
            ['a', 'ceph', 'b'], [line.split()[0] for line in self.lines()])

    def test_json_has_no_title(self):
        display.Json().title('a')
        self.assertEqual([], self.lines())

    def test_json(self):
        output = display.Json()
        for _ in range(2):
            output.update([described(), described(store='b\n')])
        output.close()
        self.assertEqual(2 * [described(), described(store='b\n')],
                         [json.loads(line) for line in self.lines()])

    def test_a_line_is_seen_at_once(self):
        source, target = os.pipe()
        self.addCleanup(os.close, source)
        with open(target, 'w') as stdout:
            self.patch('sys.stdout', stdout)
            for output in (display.Lines(), display.Json()):
                output.update([described()])
                self.assertEqual(
                    [source], select.select([source], [], [], 0)[0])
                os.read(source, 4096)

    def test_choice(self):
        for live in (True, False):
            self.assertIsInstance(display.choose(True, live), display.Json)
            self.assertIsInstance(display.choose(False, live), display.Lines)


class TestBars(base.TestCase):

    def setUp(self):
        super().setUp()
        self.terminal, side = os.openpty()
        self.addCleanup(os.close, self.terminal)
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack('4H', 24, 99, 0, 0))
        stdout = open(side, 'w')
        self.addCleanup(stdout.close)
        self.patch('sys.stdout', stdout)

    def shown(self):
        """Return what the terminal has got since the last call."""
        print('\0', end='', flush=True)
        text = b''
        while not text.endswith(b'\0'):
            text += os.read(self.terminal, 4096)
        return re.sub('\x1b' r'\[\w|[\r\0]', '', text.decode())

    def test_choice(self):
        self.assertIsInstance(display.choose(False, True), display.Bars)
        self.assertIsInstance(display.choose(False, False), display.Lines)
        self.assertIsInstance(display.choose(True, True), display.Json)

    def test_bar(self):
        bars = display.Bars()
        bars.update([described()])
        shown = self.shown()
        self.assertIn('ceph:  25.0%|', shown)
        self.assertIn('| 250B/0.98KiB, 25B/s, ETA 00:30, uploading', shown)
        bar = shown.split('|')[1]
        self.assertEqual(round(len(bar) / 4), bar.count('█'))
        bars.update([described(bytes_written=1000)])
        self.assertIn('99.9%', self.shown())
        bars.update([described(bytes_written=1000, state=wire.FINISHED)])
        self.assertIn('100.0%', self.shown())
        bars.close()
        last = self.shown()
        self.assertIn('100.0%', last)
        self.assertTrue(last.endswith('\n'))

    def test_unknown_total(self):
        bars = display.Bars()
        bars.update([described(total_bytes=None)])
        self.assertEqual('ceph: 250B, 25B/s, uploading',
                         self.shown().splitlines()[-1].strip())
        bars.close()
        self.assertNotIn('%', self.shown())

    def test_total_that_becomes_known(self):
        bars = display.Bars()
        bars.update([described(total_bytes=None)])
        self.shown()
        bars.update([described(bytes_written=500)])
        self.assertIn('ceph:  50.0%|', self.shown())
        bars.close()

    def test_one_below_the_other(self):
        bars = display.Bars()
        for _ in range(2):
            bars.update([described(), described(store='b')])
        lines = self.shown().strip().splitlines()
        self.assertIn('ceph: ', lines[0])
        self.assertIn('b: ', lines[-1])
        bars.close()

    def test_title(self):
        bars = display.Bars()
        bars.title('queued {%s}')
        bars.update([described()])
        lines = self.shown().strip().splitlines()
        self.assertEqual('queued {%s}', lines[0])
        self.assertIn('ceph: ', lines[-1])
        bars.title('queued -> saving')
        self.assertEqual('queued -> saving', self.shown().strip())
        bars.close()

    def test_reason_is_whole(self):
        reason = 'No room is left, ' * 20 + 'and no more will come.'
        bars = display.Bars()
        bars.title('saving')
        failed = described(state=wire.FAILED, failure=reason)
        for _ in range(2):
            bars.update([failed, described(store='b')])
        self.assertIn('25B/s, failed', self.shown())
        bars.close()
        self.assertEqual('ceph: failed: ' + reason,
                         self.shown().splitlines()[-1])

    def test_braces_and_percent_signs(self):
        for total in (1000, None):
            bars = display.Bars()
            bars.update([described(
                store='{bar}%s{0}', total_bytes=total, state=wire.FAILED,
                failure='{rate}%d')])
            bars.close()
            shown = self.shown()
            self.assertIn('{bar}%s{0}: ', shown)
            self.assertIn('failed: {rate}%d', shown)
