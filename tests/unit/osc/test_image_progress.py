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
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import termios

import yaml

from tests.unit import base
from tests.unit import image_api
from tests.unit.osc import progress_base


class TestShow(progress_base.TestCase):

    def show(self, *argv, image='cirros'):
        return self.openstack('show', image, *argv)

    def test_name_or_id(self):
        self.api.answers = [image_api.uploading()]
        for image in ('cirros', base.IMAGE):
            self.assertEqual(0, self.show('-f', 'json', image=image))
            self.assertEqual(
                base.IMAGE, json.loads(self.stdout.getvalue())['image_id'])

    def test_no_such_image(self):
        self.assertEqual(1, self.show(image='debian'))
        self.assert_says('debian')

    def test_deleted_image(self):
        self.api.deleted[progress_base.OTHER] = image_api.failed('deleted')
        self.assertEqual('deleted', dict(self.table(
            image_api.uploading(), image=progress_base.OTHER))['status'])
        self.assertEqual(1, self.show(image=progress_base.OTHER[:-1] + '2'))
        self.assert_says('There is no image')

    def test_ambiguous_name(self):
        self.api.images[progress_base.OTHER] = {
            'id': progress_base.OTHER, 'name': 'cirros'}
        self.assertEqual(1, self.show())
        self.assert_says('cirros')
        self.assertFalse([path for path in self.api.requests
                          if 'progress' in path])

    def test_formats_for_programs(self):
        self.api.answers = [image_api.uploading(total_bytes=None)]
        self.assertIn('last_failure', self.api.answers[0])
        self.assertEqual(0, self.show('-f', 'json'))
        self.assertEqual(self.api.answers[0], json.loads(
            self.stdout.getvalue()))
        self.assertEqual(0, self.show('-f', 'yaml'))
        self.assertEqual(self.api.answers[0], yaml.safe_load(
            self.stdout.getvalue()))
        self.assertEqual(0, self.show(
            '-f', 'value', '-c', 'status', '-c', 'percent', '-c', 'size'))
        self.assertEqual(['saving', 'None', 'None'], self.lines())

    def table(self, snapshot, image='cirros'):
        self.api.answers = [snapshot]
        self.assertEqual(0, self.show('--max-width', '200', image=image))
        rows = [[cell.strip() for cell in line.split('|')[1:-1]]
                for line in self.lines() if line.startswith('|')]
        return [row for row in rows if row != ['Field', 'Value']]

    def test_table(self):
        self.assertEqual([
            ['image_id', base.IMAGE], ['name', 'cirros'],
            ['owner', image_api.OWNER], ['status', 'saving'],
            ['phase', 'upload'], ['size', '1.50GiB'], ['percent', '24.4%'],
            ['source', 'memcached'],
            ['stores', 'b  23.7%  237B/0.98KiB, 23B/s, ETA 00:32  '
                       'uploading'],
            ['', 'ceph  25.0%  250B/0.98KiB, 25B/s, ETA 00:30  uploading'],
            ['last_failure', '-'], ['hashed', '-'], ['waiting_for', '-'],
            ['waiting_since', '-'], ['waiting_since_iso', '-'],
            ['import_lock', '-'],
            ['silent_since', '-'], ['silent_since_iso', '-'],
            ['volume_snapshots', '-'],
        ], self.table(image_api.a_snapshot(
            size=3 * 2 ** 29, records=[
                base.a_record(), base.a_record(
                    store='b', bytes_written=237)])))

    def test_what_is_not_known(self):
        table = dict(self.table(image_api.uploading(total_bytes=None)))
        self.assertEqual(['-', '-', 'ceph  unknown total  250B, 25B/s  '
                          'uploading'], [table[field] for field in (
                              'size', 'percent', 'stores')])

    def test_expected(self):
        self.assertEqual(
            'ceph  unknown total  250B of about 2.00GiB expected, 25B/s  '
            'uploading', dict(self.table(image_api.a_snapshot(
                records=[base.a_record(total_bytes=None)],
                of_server=True, disk_format='raw',
                min_disk=2)))['stores'])

    def test_volume_snapshots(self):
        table = dict(self.table(image_api.a_snapshot(
            'active', size=0, volume_snapshots=('a', 'b\x1b'))))
        self.assertEqual(
            'no data go to Glance, volume snapshots hold them: a, b?',
            table['volume_snapshots'])

    def test_failure(self):
        self.assertIn('failed: No room.',
                      dict(self.table(image_api.failed()))['stores'])

    def test_hashed(self):
        self.assertEqual('250B/0.98KiB, 25B/s, ETA 00:30', dict(self.table({
            **image_api.finished(), 'hashed': {
                'bytes_read': 250, 'total_bytes': 1000, 'percent': 25.0,
                'bytes_per_second': 25.0, 'eta': 30.0, 'age': 0.0,
                'stalled': False}}))['hashed'])

    def test_from_the_database_alone(self):
        table = dict(self.table(image_api.a_snapshot()))
        self.assertEqual(['database', ''], [
            table[field] for field in ('source', 'stores')])

    def test_server_without_the_extension(self):
        self.api.extended = False
        self.assertEqual(1, self.show())
        self.assert_says('no progress extension')


class TestList(progress_base.TestCase):

    def setUp(self):
        super().setUp()
        self.api.in_transit = [
            [image_api.uploading(), {**image_api.uploading(),
                                     'name': 'theirs', 'owner': 'c3d4'}],
            [{**image_api.a_snapshot('importing', importing=True),
              'name': 'second'}]]

    def names(self, *argv, **kwargs):
        self.assertEqual(0, self.openstack(
            'list', '-f', 'value', '-c', 'Name', *argv, **kwargs))
        return self.lines()

    def test_columns(self):
        for argv, columns in (
            ((), ['ID', 'Name', 'Status', 'Phase', 'Percent', 'Stores',
                  'Waiting For']),
            (('--all',), ['ID', 'Name', 'Status', 'Phase', 'Percent',
                          'Stores', 'Waiting For', 'Project']),
        ):
            self.assertEqual(0, self.openstack('list', '-f', 'json', *argv))
            rows = json.loads(self.stdout.getvalue())
            self.assertEqual([columns] * 3, list(map(list, rows)))
        snapshot = self.api.in_transit[0][1]
        self.assertEqual(
            [snapshot[field] for field in (
                'image_id', 'name', 'status', 'phase', 'percent', 'stores',
                'waiting_for', 'owner')], list(rows[1].values()))

    def test_table(self):
        self.assertEqual(0, self.openstack('list', '--max-width', '200'))
        self.assertIn('| 25.0%   | ceph  25.0%  250B/', self.lines()[3])
        self.assertEqual(7, len(self.lines()))

    def test_names_that_are_none_or_steer_the_terminal(self):
        self.api.in_transit = [[
            {**image_api.uploading(), 'name': None},
            {**image_api.uploading(), 'name': 'a\x1b[2Jb\n'}]]
        self.assertEqual(0, self.openstack('list', '--max-width', '200'))
        self.assertIn('| -      ', self.lines()[3])
        self.assertIn('| a?[2Jb? ', self.lines()[4])
        self.assertEqual(0, self.openstack('list', '-f', 'json'))
        self.assertEqual([None, 'a\x1b[2Jb\n'], [
            each['Name'] for each in json.loads(self.stdout.getvalue())])

    def test_own_project_or_all(self):
        self.assertEqual(['cirros', 'second'],
                         self.names(identity=self.keystone()))
        self.assertEqual(['cirros', 'theirs', 'second'],
                         self.names('--all-projects',
                                    identity=self.keystone()))
        self.assertEqual(['cirros', 'theirs', 'second'],
                         self.names('--all', identity=self.keystone()))

    def test_no_project(self):
        self.assertEqual(['cirros', 'theirs', 'second'], self.names())

    def test_limit(self):
        for limit, names in ((0, []), (2, ['cirros', 'theirs']),
                             (9, ['cirros', 'theirs', 'second'])):
            self.assertEqual(names, self.names('--limit', str(limit)))
        self.assertEqual(['cirros', 'second'], self.names(
            '--limit', '2', identity=self.keystone()))
        # 1 or 2, as the release of osc-lib has it
        self.assertNotEqual(0, self.openstack('list', '--limit', '-1'))

    def test_failed(self):
        self.api.failed = [
            image_api.failed(request_id='req-1', failure='No\x1b[2Jroom.'),
            {**image_api.failed('deleted'), 'name': 'gone'},
            image_api.a_snapshot(
                'active', stores=frozenset('a'), failed=frozenset('b'))]
        self.assertEqual(0, self.openstack('list', '--failed', '-f', 'json'))
        self.assertEqual(
            [[base.IMAGE, 'cirros', 'queued', '1970-01-01T00:16:50Z', 'ceph',
              None, 'No\x1b[2Jroom.'],
             [base.IMAGE, 'gone', 'deleted', '1970-01-01T00:16:50Z', 'ceph',
              None, 'No room.'],
             [base.IMAGE, 'cirros', 'active', None, 'b', None,
              'The import into this store failed.']],
            [list(row.values())
             for row in json.loads(self.stdout.getvalue())])
        self.assertEqual(0, self.openstack(
            'list', '--failed', '--all', '--max-width', '200'))
        self.assertIn('No?[2Jroom.', self.stdout.getvalue())
        self.assertIn('Project', self.lines()[1])
        self.assertEqual(['gone'], [
            name for name in self.names('--failed') if name != 'cirros'])

    def test_none(self):
        self.api.in_transit = [[]]
        self.assertEqual([], self.names())

    def test_server_without_the_extension(self):
        self.api.extended = False
        self.assertEqual(1, self.openstack('list'))
        self.assert_says('no progress extension')


class TestProgram(progress_base.TestCase):
    """The program as users start it."""

    def start(self, **kwargs):
        # A child of what ignores interrupts, as a job in the background
        # does, would ignore them as well.
        handler = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, handler)
        program = pathlib.Path(sys.executable).with_name('openstack')
        # tox has the tests tell of what is deprecated, osc_lib among it.
        process = subprocess.Popen(
            [program, *self.identity(), 'image', 'progress', 'watch',
             'cirros', '--interval', '0.1'], text=True,
            env={**os.environ, 'PYTHONWARNINGS': ''}, **kwargs)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_interrupt(self):
        def interrupt():
            process.send_signal(signal.SIGINT)
            return image_api.uploading()
        self.api.answers = [image_api.uploading(), interrupt]
        process = self.start(stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # The first start compiles a thousand modules.
        stdout, stderr = process.communicate(timeout=3 * base.PATIENCE)
        self.assertEqual(130, process.returncode)
        self.assertEqual('', stderr)
        self.assertIn('ceph  25.0%', stdout)

    def test_bars(self):
        self.api.answers = [
            image_api.a_snapshot('queued'),
            image_api.a_snapshot(records=[
                base.a_record(), base.a_record(store='b', total_bytes=None)]),
            image_api.finished()]
        terminal, side = os.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack('4H', 24, 99, 0, 0))
        process = self.start(stdout=side)
        os.close(side)
        output = b''
        try:
            while chunk := os.read(terminal, 4096):
                output += chunk
        except OSError:  # all that there was
            pass
        os.close(terminal)
        self.assertEqual(0, process.wait())
        text = re.sub('\x1b' r'\[\w', '', output.decode())
        lines = re.split('[\r\n]+', text)
        for pattern in ('queued, waiting for data', 'queued .* -> saving',
                        r'ceph:  25\.0%\|.*',
                        'b: 250B, .*', 'queued .* -> saving .* -> active',
                        r'ceph: 100\.0%\|.*finished'):
            self.assertTrue(
                [line for line in lines if re.fullmatch(
                    pattern, line.strip())], (pattern, lines))
