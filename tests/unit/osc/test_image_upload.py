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

import json
import os
import pathlib
import signal

import fixtures
from keystoneauth1 import exceptions

from glance_progress.osc import upload_picture
from tests.unit import image_api
from tests.unit.osc import progress_base
from tests.unit.upload import memory


class TestUpload(progress_base.TestCase):

    def setUp(self):
        super().setUp()
        self.cloud = memory.Cloud()
        self.patch('glance_progress.upload.cloud.Images',
                   lambda api: self.cloud)
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(fixtures.EnvironmentVariable(
            'XDG_STATE_HOME', self.useFixture(fixtures.TempDir()).path))

    def write(self, name, content=b'data'):
        (self.folder / name).write_bytes(content)

    def upload(self, *argv, **kwargs):
        """Return the exit status, and the rows by their names."""
        status = self.openstack(
            'upload', '-f', 'json', str(self.folder), *argv, **kwargs)
        text = self.stdout.getvalue()
        return status, {row['Name']: row for row in json.loads(text or '[]')}

    def test_folder(self):
        self.write('a.raw')
        self.write('b.raw', b'other')
        status, rows = self.upload('--property', 'os_distro=x', '--public')
        self.assertEqual(
            (0, {'uploaded'}, {True}),
            (status, {row['Result'] for row in rows.values()},
             {row['Verified'] for row in rows.values()}))
        image = self.cloud.images[rows['a']['ID']]
        self.assertEqual(('x', 'public'),
                         (image['os_distro'], image['visibility']))
        self.assert_says('all: 100.0%')
        self.assertEqual('skipped', self.upload()[1]['a']['Result'])

    def test_table(self):
        self.write('a.raw')
        self.assertEqual(0, self.openstack('upload', str(self.folder)))
        self.assertIn('| yes ', self.stdout.getvalue())

    def test_one_is_wrong(self):
        self.write('a.raw')
        self.write('b.qcow2')
        self.write('README')
        status, rows = self.upload()
        self.assertEqual((1, 'uploaded', 'failed'), (
            status, rows['a']['Result'], rows['b']['Result']))
        self.assert_says('README')

    def test_not_verified(self):
        self.write('a.qcow2', b'QFI\xfb' + b'\0\0\0\2' + bytes(1020))
        self.cloud.converts_to = 'raw'
        status, rows = self.upload('--import')
        self.assertEqual((3, None, 'converted to raw'), (
            status, rows['a']['Verified'], rows['a']['By']))

    def test_dry_run(self):
        self.write('a.raw')
        self.write('b.raw')
        self.write('c.qcow2')
        self.cloud.add('i', 'b', b'other')
        status, rows = self.upload('--dry-run')
        self.assertEqual(
            (1, {'a': 'upload', 'b': 'refuse', 'c': 'refuse'}),
            (status, {name: row['Action'] for name, row in rows.items()}))
        self.assertEqual(['i'], list(self.cloud.images))
        self.assertEqual(0, self.openstack(
            'upload', '--dry-run', str(self.folder / 'a.raw')))

    def test_options_that_need_import(self):
        self.write('a.raw')
        self.assertEqual(255, self.upload('--all-stores')[0])
        status, rows = self.upload('--store', 'a', '--store', 'b')
        self.assertEqual(1, status)
        self.assertIn('--import', rows['a']['Reason'])

    def test_import_that_the_cloud_does_not_know(self):
        self.write('a.raw')
        self.cloud.methods = []
        status, rows = self.upload('--import')
        self.assertEqual(1, status)
        self.assertIn('glance-direct', rows['a']['Reason'])

    def interrupted_at_put(self, sig):
        def put(image_id, body, stores):
            os.kill(os.getpid(), sig)
            while True:
                list(body)

        self.write('a.raw')
        self.cloud.put = put
        self.assertEqual((130, {}), self.upload())
        self.assert_says('Interrupted')

    def interrupted(self, sig):
        self.interrupted_at_put(sig)
        self.assert_says('has been deleted')
        self.assertEqual({}, self.cloud.images)

    def test_interrupted(self):
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self.interrupted(sig)

    def test_interrupted_twice(self):
        def interrupt(image_id):
            os.kill(os.getpid(), signal.SIGINT)

        self.cloud.delete = interrupt
        self.interrupted_at_put(signal.SIGINT)
        self.assert_says('left for the next run')
        self.assertEqual(1, len(self.cloud.images))
        left, = self.cloud.images
        # The lock goes when a process ends.
        journal, = pathlib.Path(os.environ['XDG_STATE_HOME']).rglob('*/*/?*')
        self.assertIn(left, journal.read_text())

    def test_nohup(self):
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.addCleanup(signal.signal, signal.SIGHUP, before)
        put = self.cloud.put

        def hung_up(*args):
            os.kill(os.getpid(), signal.SIGHUP)
            put(*args)

        self.write('a.raw')
        self.cloud.put = hung_up
        self.assertEqual(0, self.upload()[0])

    def test_project_of_who_may_not_look_for_one(self):
        self.write('a.raw')
        for argv, owner in (
                (['demo'], image_api.OWNER), (['1234'], '1234'),
                (['demo', '--project-domain', 'd'], image_api.OWNER),
                (['demo', '--project-domain', 'other'], 'demo')):
            self.cloud.images.clear()
            status, rows = self.upload(
                '--project', *argv, identity=self.keystone())
            self.assertEqual((0, owner), (
                status, self.cloud.images[rows['a']['ID']]['owner']))

    def test_no_such_cloud(self):
        self.write('a.raw')
        self.cloud.import_methods = self.api_is_gone
        self.assertEqual(255, self.upload('--import')[0])

    def api_is_gone(self):
        raise exceptions.ConnectFailure('It is gone.')

    def test_bars(self):
        self.write('a.raw')
        self.stderr.isatty = lambda: True
        self.assertEqual(0, self.upload()[0])
        text = self.stderr.getvalue()
        self.assertIn('a: uploaded as', text)
        self.assertIn('all: 100.0%|', text)
        self.assertNotIn(upload_picture.BLIND, text)
