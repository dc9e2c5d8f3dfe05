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

import fixtures
from keystoneauth1 import session as ks_session
from keystoneauth1 import token_endpoint

from glance_progress.osc import transit
from tests.unit import base
from tests.unit import image_api


class Enough(Exception):
    pass


class TestWatch(base.TestCase):

    def setUp(self):
        super().setUp()
        self.api = self.useFixture(image_api.ImageApi())
        self.stdout = io.StringIO()
        self.patch('sys.stdout', self.stdout)
        self.pauses = []

    def sleep(self, seconds):
        self.pauses.append(seconds)
        if self.looks:
            self.api.in_transit = [self.looks.pop(0)]
        else:
            raise Enough

    def watch(self, *looks, wanted=lambda snapshot: True, view=None):
        self.looks = list(looks)
        self.api.in_transit = [self.looks.pop(0)]
        self.patch('time.sleep', self.sleep)
        session = ks_session.Session(auth=token_endpoint.Token(
            self.api.endpoint, 'none'))
        self.assertRaises(Enough, transit.watch, session, wanted,
                          view or transit.Lines())
        return self.stdout.getvalue().splitlines()

    def test_lines_of_what_is_new(self):
        self.api.answers = [image_api.finished()]
        going = image_api.uploading()
        lines = self.watch([going], [going], [image_api.uploading(500)], [])
        self.assertEqual(3, len(lines), lines)
        for line, text in zip(lines, ('25.0%', '50.0%', 'active')):
            self.assertIn(base.IMAGE, line)
            self.assertIn(text, line)

    def test_failure(self):
        self.api.answers = [image_api.failed()]
        self.assertIn('No room.', self.watch([image_api.uploading()], [])[-1])

    def test_deleted(self):
        self.api.images = {}
        self.assertIn('deleted', self.watch([image_api.uploading()], [])[-1])

    def test_selection(self):
        self.assertEqual([], self.watch(
            [image_api.uploading()], wanted=lambda snapshot: False))

    def test_screen(self):
        self.api.answers = [image_api.finished()]
        self.useFixture(fixtures.EnvironmentVariable('COLUMNS', '60'))
        self.useFixture(fixtures.EnvironmentVariable('LINES', '4'))
        view = transit.Screen()
        self.watch([image_api.uploading()] * 4, [], view=view)
        view.close()
        _, first, second = self.stdout.getvalue().split('\x1b[H')
        self.assertIn('4 in transit', first)
        self.assertIn('... and 3 more', first)
        self.assertIn('0 in transit', second)
        self.assertIn('100.0%', second)
        self.assertTrue(second.endswith('\x1b[?1049l'))
        for line in first.split('\n'):
            self.assertLessEqual(len(line.split('\x1b')[0]), 60)
