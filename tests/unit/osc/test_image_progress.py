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
import pathlib
import re
import signal
import struct
import subprocess
import sys
import termios

import fixtures
from openstackclient import shell
from osc_lib import clientmanager
import yaml

from glance_progress.records import wire
from tests.unit import base
from tests.unit import image_api

OTHER = '00000000-0000-0000-0000-000000000001'


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.api = self.useFixture(image_api.ImageApi())
        self.stdout, self.stderr = io.StringIO(), io.StringIO()
        self.patch('sys.stdout', self.stdout)
        self.patch('sys.stderr', self.stderr)
        self.useFixture(fixtures.EnvironmentVariable(
            'HOME', self.useFixture(fixtures.TempDir()).path))
        self.useFixture(fixtures.EnvironmentVariable('COLUMNS', '120'))
        for name in os.environ:
            if name.startswith('OS_'):
                self.useFixture(fixtures.EnvironmentVariable(name))
        self.clock = self.useFixture(base.Clock('glance_progress.client'))
        self.clock.sleep = self.sleep

    def sleep(self, seconds):
        self.clock.now += seconds

    def identity(self):
        return ['--os-auth-type', 'none', '--os-endpoint', self.api.endpoint]

    def openstack(self, *argv, identity=None):
        """Run the command and return its exit status."""
        # A process has but one image client, and is to have one a call.
        for name, value in vars(clientmanager.ClientManager).items():
            if isinstance(value, clientmanager.ClientCache):
                value._handle = None
        for stream in (self.stdout, self.stderr):
            stream.seek(0)
            stream.truncate()
        try:
            return shell.main([*(identity or self.identity()),
                               'image', 'progress', *argv])
        except SystemExit as exc:
            return exc.code

    def keystone(self):
        """Return options of a user who may not look for projects."""
        return ['--os-auth-url', self.api.url + '/v3', '--os-username', 'u',
                '--os-password', 'p', '--os-project-name', 'demo',
                '--os-user-domain-id', 'd', '--os-project-domain-id', 'd',
                '--os-identity-api-version', '3']

    def lines(self):
        return self.stdout.getvalue().splitlines()

    def assert_says(self, text):
        self.assertIn(text, self.stderr.getvalue())
        self.assertNotIn('Traceback', self.stderr.getvalue())


class TestShow(TestCase):

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
        self.api.deleted[OTHER] = image_api.failed('deleted')
        self.assertEqual('deleted', dict(self.table(
            image_api.uploading(), image=OTHER))['status'])
        self.assertEqual(1, self.show(image=OTHER[:-1] + '2'))
        self.assert_says('There is no image')

    def test_ambiguous_name(self):
        self.api.images[OTHER] = {'id': OTHER, 'name': 'cirros'}
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


class TestList(TestCase):

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


class TestWatch(TestCase):

    def watch(self, *answers, image='cirros', argv=()):
        self.api.answers = list(answers)
        return self.openstack('watch', image, *argv)

    def test_to_the_end(self):
        self.assertEqual(0, self.watch(
            image_api.a_snapshot('queued'), image_api.uploading(),
            image_api.uploading(500), image_api.finished()))
        text = [re.sub(r' (at least )?\d\d:\d\d ->', ' TIME ->', line)
                for line in self.lines()]
        self.assertEqual([
            'queued, waiting for data', 'queued TIME -> saving',
            'ceph  25.0%  250B/0.98KiB, 25B/s, ETA 00:30  uploading',
            'ceph  50.0%  500B/0.98KiB, 50B/s, ETA 00:10  uploading',
            'queued TIME -> saving TIME -> active',
            'ceph  100.0%  0.98KiB/0.98KiB, 100B/s  finished'], text)

    def test_already_active(self):
        self.assertEqual(0, self.watch(image_api.a_snapshot('active')))
        self.assertEqual(['active'], self.lines())

    def test_failure(self):
        self.assertEqual(1, self.watch(
            image_api.uploading(), image_api.failed()))
        self.assertIn('saving', self.lines()[-2])
        self.assertIn('-> queued', self.lines()[-2])
        self.assertIn('failed: No room.', self.lines()[-1])

    def test_failure_that_memcached_knows_nothing_of(self):
        self.assertEqual(1, self.watch(
            image_api.a_snapshot(), image_api.a_snapshot('queued')))

    def copied(self, **fields):
        return image_api.a_snapshot(
            'active', size=1000, stores=frozenset(['a', 'ceph']), records=[
                base.a_record(state=wire.FINISHED, request_id='req-1'),
                base.a_record(store='b', state=wire.FAILED, **fields)])

    def test_one_of_several_stores_failed(self):
        self.assertEqual(1, self.watch(self.copied(request_id='req-1')))
        self.assertEqual(1, self.watch(self.copied(
            request_id='req-2', sequence=2)))
        # memcached knows nothing of b
        self.assertEqual(1, self.watch(image_api.a_snapshot(
            'active', size=1000, stores=frozenset(['ceph']),
            failed=frozenset('b'), records=[base.a_record(
                state=wire.FINISHED, request_id='req-1')])))

    def test_earlier_attempt_failed(self):
        self.assertEqual(0, self.watch(self.copied(
            request_id='req-2', sequence=0)))

    def test_several_stores(self):
        self.assertEqual(0, self.watch(
            image_api.a_snapshot(
                'active', importing=True, size=1000,
                stores=frozenset(['a']), targets=frozenset(['b', 'ceph']),
                records=[base.a_record()]),
            image_api.finished()))
        self.assertEqual(
            ['active (copying)', 'a  100.0%  0.98KiB/0.98KiB  finished',
             'b  0.0%  0B/0.98KiB  waiting'], self.lines()[:3])
        self.assertEqual('ceph', self.lines()[3].split()[0])

    def test_stall(self):
        stalled = base.a_record()
        life = [image_api.uploading()] + 99 * [
            image_api.a_snapshot(records=[stalled], now=1100)]
        self.assertEqual(0, self.watch(*life, image_api.finished()))
        self.assertIn('stalled for 01:30', self.lines()[2])
        self.assertEqual(2, self.watch(*life, argv=['--timeout', '30']))
        self.assertEqual(1000131, self.clock.now)

    def test_nothing_happens(self):
        queued = image_api.a_snapshot('queued')
        self.assertEqual(0, self.watch(*999 * [queued], image_api.finished()))
        self.assertEqual(1000999, self.clock.now)
        self.assertEqual(2, self.watch(
            queued, argv=['--timeout', '3', '--interval', '.5']))
        self.assertEqual(1001002.5, self.clock.now)
        self.assert_says('Nothing has happened to image ' + base.IMAGE)

    def test_image_deleted(self):
        def delete():
            del self.api.images[base.IMAGE]
            return 404
        self.assertEqual(1, self.watch(image_api.uploading(), delete))
        self.assert_says('has been deleted')

    def test_image_deleted_because_it_failed(self):
        self.assertEqual(1, self.watch(
            image_api.uploading(),
            image_api.failed('deleted', failure='No\x1b[2Jroom.')))
        self.assert_says(
            'has been deleted. Before, it had failed: No?[2Jroom.')

    def test_errors_that_pass(self):
        self.assertEqual(0, self.watch(
            image_api.uploading(), 503, image_api.HANG_UP,
            image_api.finished()))
        self.assertEqual('', self.stderr.getvalue())

    def test_could_not_look(self):
        for answers, image, text in (
            ([image_api.uploading()], 'debian', 'debian'),
            ([403], 'cirros', '403'),
            ([image_api.uploading(), 503], 'cirros', '503'),
        ):
            self.assertEqual(255, self.watch(*answers, image=image))
            self.assert_says(text)
        self.api.extended = False
        self.assertEqual(255, self.watch())
        self.assert_says('no progress extension')

    def test_usage(self):
        for argv in (['--interval', '0'], ['--timeout', 'inf'],
                     ['--timeout', 'soon']):
            self.assertEqual(2, self.watch(argv=argv))
            self.assert_says(argv[0])


class TestProgram(TestCase):
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
