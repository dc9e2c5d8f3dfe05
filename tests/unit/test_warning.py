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

from oslo_log import log as logging

from glance_progress import warning
from tests.unit import base


class TestHourly(base.TestCase):

    def setUp(self):
        super().setUp()
        self.now = 1000.0
        self.patch('time.monotonic', lambda: self.now)
        self.under_test = warning.Hourly(logging.getLogger(__name__))

    def fault(self, error):
        try:
            raise error
        except Exception as exc:
            self.under_test.say('It goes on without %s.', 'us', exc=exc)

    def test_each_kind_once_an_hour(self):
        for _ in range(3):
            self.fault(ValueError('a'))
            self.fault(KeyError('b'))
        self.assertEqual(2, self.log.output.count('It goes on without us.'))
        self.assertEqual(2, self.log.output.count('Traceback'))
        self.now += 3600
        self.fault(ValueError('c'))
        self.assertEqual(3, self.log.output.count('It goes on without us.'))

    def test_another_place(self):
        self.fault(ValueError('a'))
        try:
            int('x')
        except ValueError as exc:
            self.under_test.say('Nor here.', exc=exc)
        self.assertIn('Nor here.', self.log.output)
