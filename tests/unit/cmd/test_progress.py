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

import io
import json
import os
import signal
import subprocess
import sys
import time

import fixtures

from glance_progress.cmd import progress
from glance_progress.records import wire
from tests.unit import base


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.stdout, self.stderr = io.StringIO(), io.StringIO()
        self.patch('sys.stdout', self.stdout)
        self.patch('sys.stderr', self.stderr)
        self.server = self.useFixture(base.Server())
        self.clock = self.useFixture(
            base.Clock('glance_progress.cmd.progress'))
        self.clock.now = 1010.0
        self.clock.sleep = self.sleep
        self.events = []

    def sleep(self, seconds):
        """Let time pass, and have the next thing happen."""
        self.clock.now += seconds
        if self.events:
            self.events.pop(0)()

    def publish(self, **fields):
        one = base.a_record(**fields)
        self.server.values[one.key] = one.to_json()

    def run_command(self, *argv, options=(), servers=None):
        lines = ('[glance_progress]', 'memcached_servers = '
                 + (servers or self.server.address)) + tuple(options)
        path = self.config('\n'.join(lines)).config_file[0]
        try:
            return progress.main(['--config-file', path, *argv])
        except SystemExit as exc:
            return exc.code

    def output(self):
        return self.stdout.getvalue().splitlines()


class TestShow(TestCase):

    def show(self, *argv, **kwargs):
        return self.run_command(
            'show', base.IMAGE, '--store', 'ceph', *argv, **kwargs)

    def test_exit_status(self):
        for status, fields in (
            (0, {}),
            (0, {'state': wire.FINISHED}),
            (1, {'state': wire.FAILED}),
            (2, {'updated_at': 900.0}),
        ):
            self.publish(**fields)
            self.assertEqual(status, self.show())

    def test_no_record(self):
        self.assertEqual(2, self.show())
        self.assertEqual([], self.output())
        for text in (base.IMAGE, 'store ceph', self.server.address):
            self.assertIn(text, self.stderr.getvalue())
        self.assertIn('No record', self.stderr.getvalue())

    def test_no_answer(self):
        self.server.stop()
        self.assertEqual(255, self.show())
        self.assertIn('No answer from memcached at ' + self.server.address,
                      self.stderr.getvalue())

    def test_line(self):
        self.publish()
        self.show()
        self.assertEqual(
            ['ceph  25.0%  250B/0.98KiB, 25B/s, ETA 00:30  uploading'],
            self.output())

    def test_json(self):
        self.publish()
        self.show('--json')
        self.assertEqual(
            base.a_record().describe(1010.0, 60), json.loads(self.output()[0]))

    def test_stalled_after(self):
        self.publish(updated_at=1000.0)
        self.assertEqual(0, self.show(options=['stalled_after = 10']))
        self.assertEqual(2, self.show(options=['stalled_after = 9']))

    def stores(self, *argv, **kwargs):
        for store in ('ceph', 'rbd', 'fast', 'slow'):
            self.publish(store=store)
        self.run_command('show', base.IMAGE, *argv, **kwargs)
        return [line.split()[0] for line in self.output()]

    def test_stores_that_are_named(self):
        self.assertEqual(
            ['fast', 'slow'], self.stores('--store', 'slow',
                                          '--store', 'fast'))

    def test_stores_that_are_enabled(self):
        self.assertEqual(['fast', 'slow'], self.stores(options=[
            '[DEFAULT]', 'enabled_backends = slow:rbd_progress,fast:file']))

    def test_the_files_of_glance_api(self):
        home = self.useFixture(fixtures.TempDir()).path
        self.useFixture(fixtures.EnvironmentVariable('HOME', home))
        for name, line in (
            ('glance.conf', 'memcached_servers = 127.0.0.1:1'),
            ('glance-api.conf', 'memcached_servers = ' + self.server.address),
        ):
            with open(os.path.join(home, name), 'w') as file:
                file.write('[glance_progress]\n%s\n' % line)
        self.publish()
        self.assertEqual(
            0, progress.main(['show', base.IMAGE, '--store', 'ceph']))

    def test_the_one_store(self):
        self.assertEqual(['rbd'], self.stores())

    def test_one_of_several_stores_failed_or_stalled(self):
        self.publish()
        self.publish(store='b', updated_at=900.0)
        self.assertEqual(2, self.show('--store', 'b'))
        self.publish(state=wire.FAILED)
        self.assertEqual(1, self.show('--store', 'b'))

    def test_what_went_before_does_not_count(self):
        self.publish(state=wire.FAILED, store='a', request_id='req-1')
        self.publish(state=wire.FINISHED, store='b', request_id='req-2',
                     sequence=2)
        self.assertEqual(0, self.run_command(
            'show', base.IMAGE, '--store', 'a', '--store', 'b'))
        self.assertEqual(2, len(self.output()))

    def test_a_store_that_is_no_text(self):
        self.assertEqual(2, self.show('--store', 'k\udcf6ln'))


class TestWatch(TestCase):

    def watch(self, *argv, **kwargs):
        return self.run_command(
            'watch', base.IMAGE, '--store', 'ceph', *argv, **kwargs)

    def percents(self):
        return [line.split()[1] for line in self.output()]

    def test_to_the_end(self):
        self.publish()
        self.events = [
            lambda: self.publish(bytes_written=500),
            lambda: self.publish(bytes_written=1000),
            lambda: self.publish(state=wire.FINISHED, bytes_written=1000)]
        self.assertEqual(0, self.watch())
        self.assertEqual(['25.0%', '50.0%', '99.9%', '100.0%'],
                         self.percents())

    def test_failure(self):
        self.publish()
        self.events = [lambda: self.publish(
            state=wire.FAILED, failure='No room.')]
        self.assertEqual(1, self.watch())
        self.assertIn('failed: No room.', self.output()[-1])

    def test_failure_of_long_ago(self):
        """Whoever watches waits for the next attempt."""
        self.publish(state=wire.FAILED, failure='No room.',
                     updated_at=self.clock.now - 600)
        self.events = [
            lambda: None, lambda: self.publish(sequence=2),
            lambda: self.publish(sequence=2, state=wire.FINISHED,
                                 bytes_written=1000)]
        self.assertEqual(0, self.watch())
        self.publish(sequence=3, state=wire.FAILED, failure='No room.',
                     updated_at=self.clock.now - 600)
        self.assertEqual(1, self.watch())
        self.assertIn('no other has begun', self.stderr.getvalue())
        self.assertEqual(2, self.watch('--timeout', '30'))

    def test_stall(self):
        """What has stalled may go on, and is waited for."""
        self.publish()
        self.events = 90 * [lambda: None] + [lambda: self.publish(
            state=wire.FINISHED)]
        self.assertEqual(0, self.watch('--interval', '30'))
        self.assertIn('  stalled for 45:00', self.output()[-2])

    def test_stall_for_longer_than_the_timeout(self):
        self.publish()
        self.assertEqual(2, self.watch('--timeout', '120'))
        self.assertEqual(1010 + 121, self.clock.now)
        self.assertIn('does not move on', self.stderr.getvalue())

    def test_until_all_stores_are_done(self):
        self.publish(state=wire.FINISHED)
        self.publish(store='b')
        self.events = [
            lambda: self.publish(store='b', state=wire.FINISHED)]
        self.assertEqual(0, self.watch('--store', 'b'))
        self.assertEqual(3, len(self.output()))

    def test_waits_for_the_first_record(self):
        self.events = [lambda: None, lambda: self.publish(
            state=wire.FINISHED)]
        self.assertEqual(0, self.watch())

    def test_gives_up_without_a_record(self):
        self.assertEqual(255, self.watch())
        self.assertEqual(1010 + 61, self.clock.now)
        self.assertIn('No record', self.stderr.getvalue())
        self.assertEqual(2, self.watch('--timeout', '600'))
        self.assertEqual(1010 + 61 + 601, self.clock.now)

    def test_gives_up_without_an_answer(self):
        self.server.stop()
        self.assertEqual(255, self.watch())
        self.assertIn('No answer', self.stderr.getvalue())
        self.assertEqual(255, self.watch('--timeout', '3'))

    def test_record_that_goes_away(self):
        self.publish()
        self.events = 200 * [lambda: None] + [self.server.values.clear]
        self.assertEqual(255, self.watch())
        self.assertEqual(1010 + 201 + 61, self.clock.now)

    def staged(self, **fields):
        self.publish(store=wire.STAGING_STORE, **{
            'state': wire.FINISHED, 'request_id': 'req-1', **fields})

    def watch_staged(self, *argv):
        return self.watch('--store', wire.STAGING_STORE, *argv)

    def test_staged_for_long(self):
        self.staged()
        self.events = 900 * [lambda: None] + [lambda: self.publish(
            request_id='req-2', sequence=2, state=wire.FINISHED)]
        self.assertEqual(0, self.watch_staged())

    def test_staged_and_never_imported(self):
        self.staged()
        self.assertEqual(2, self.watch_staged('--timeout', '30'))
        self.assertEqual(1010 + 31, self.clock.now)
        self.assertEqual(1, len(self.output()))
        self.assertIn('staged, and nobody imports it',
                      self.stderr.getvalue())

    def test_timeout_counts_from_the_end_of_staging(self):
        self.staged(state=wire.UPLOADING, total_bytes=None)
        self.events = 20 * [lambda: None] + [self.staged]
        self.assertEqual(2, self.watch_staged('--timeout', '30'))
        self.assertEqual(1010 + 21 + 31, self.clock.now)

    def test_imported_in_time(self):
        self.staged()
        self.events = 20 * [lambda: None] + [lambda: self.publish(
            request_id='req-2', sequence=2)] + 20 * [lambda: None] + [
            lambda: self.publish(request_id='req-2', sequence=2,
                                 state=wire.FINISHED)]
        self.assertEqual(0, self.watch_staged('--timeout', '30'))

    def test_timeout_and_interval(self):
        self.assertEqual(2, self.watch('--timeout', '3', '--interval', '.5'))
        self.assertEqual(1013.5, self.clock.now)

    def test_timeout_counts_from_the_last_record(self):
        self.publish(total_bytes=None)
        self.events = 20 * [lambda: None] + [self.server.values.clear]
        self.assertEqual(2, self.watch('--timeout', '30'))
        self.assertEqual(1010 + 21 + 31, self.clock.now)

    def test_memcached_away_for_a_moment(self):
        self.publish()
        self.events = [self.server.stop, lambda: self.publish(
            state=wire.FINISHED), self.server.start]
        self.patch('glance_progress.records.memcached.RETRY_AFTER', 0)
        self.assertEqual(0, self.watch())

    def test_interrupt(self):
        handler = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, handler)
        self.publish()
        self.events = [lambda: signal.raise_signal(signal.SIGINT)]
        self.assertEqual(130, self.watch())


class TestUnusable(TestCase):

    def assert_unusable(self, *argv, text, **kwargs):
        self.assertEqual(255, self.run_command(*argv, **kwargs))
        self.assertIn(text, self.stderr.getvalue())
        self.assertEqual([], self.output())

    def test_usage(self):
        for argv, text in (
            ([], 'show|watch'),
            (['look'], 'look'),
            (['show'], 'IMAGE_ID'),
            (['show', 'x', '--interval', '1'], '--interval'),
            (['watch', 'x', '--interval', '0'], '--interval'),
            (['watch', 'x', '--interval', 'nan'], '--interval'),
            (['watch', 'x', '--timeout', 'inf'], '--timeout'),
            (['watch', 'x', '--timeout', 'soon'], '--timeout'),
        ):
            self.assert_unusable(*argv, text=text)
            self.assertIn('usage:', self.stderr.getvalue())
            self.stderr.truncate(0)

    def test_missing_file(self):
        self.assert_unusable(
            '--config-file', '/missing.conf', 'show', 'x',
            text='/missing.conf')

    def test_missing_directory(self):
        self.assert_unusable(
            '--config-dir', '/missing.d', 'show', 'x', text='/missing.d')

    def test_no_file(self):
        self.patch('oslo_config.cfg.find_config_files', lambda *a, **k: [])
        self.patch('oslo_config.cfg.find_config_dirs', lambda *a, **k: [])
        self.assertEqual(255, progress.main(['show', 'x']))
        self.assertIn('no glance-api.conf', self.stderr.getvalue())

    def test_wrong_options(self):
        self.assert_unusable('show', 'x', text='update_interval',
                             options=['update_interval = often'])
        self.assert_unusable('show', 'x', text='a:b', servers='a:b')
        self.assert_unusable(
            'show', 'x', text='memcached_tls_cafile = /missing.pem',
            options=['memcached_tls_enabled = true',
                     'memcached_tls_cafile = /missing.pem'])

    def test_no_memcached(self):
        for command in 'show', 'watch':
            self.assert_unusable(
                command, 'x', text='there is no memcached', servers=' ',
                options=['[keystone_authtoken]', 'memcached_servers = a:b'])

    def test_help_and_version(self):
        for option, text in (('--help', 'Exit status'), ('--version', '.')):
            self.assertEqual(0, self.run_command(option))
            self.assertIn(text, self.stdout.getvalue())

    def test_a_secret_in_a_malformed_line(self):
        path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'glance-api.conf')
        with open(path, 'w') as file:
            file.write('[glance_progress]\nhunter2\n')
        self.assert_unusable('--config-file', path, 'show', 'x',
                             text='is malformed, line 2')
        self.assertNotIn('hunter2', self.stderr.getvalue())


class TestProgram(TestCase):

    def test_exit_status_reaches_the_shell(self):
        done = subprocess.run(
            [sys.executable, '-m', 'glance_progress.cmd.progress',
             '--config-file', '/missing.conf', 'show', 'x'],
            stderr=subprocess.PIPE)
        self.assertEqual(255, done.returncode)

    def test_nobody_reads_on(self):
        self.publish(updated_at=time.time(), total_bytes=None)
        path = self.config('[glance_progress]\nmemcached_servers = '
                           + self.server.address).config_file[0]
        for args in (['show', base.IMAGE, '--store', 'ceph'],
                     ['watch', base.IMAGE, '--store', 'ceph'], ['--help']):
            done = base.with_output_closed(
                [sys.executable, '-m', 'glance_progress.cmd.progress',
                 '--config-file', path, *args])
            self.assertEqual((0, ''), (done.returncode, done.stderr))
