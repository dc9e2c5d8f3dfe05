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

"""tools/sum_results.py"""

import io
import pathlib

import fixtures
import subunit
import testtools
from testtools import content

from tests.unit import base
from tools import sum_results


LOG = content.text_content('\n'.join(map(str, range(100))) + 300 * '9')
TRACEBACK = content.text_content('the error')


class SumResultsTest(base.TestCase):

    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path)

    def stream(self, act):
        """Return a file of which *act* gets the result to write to."""
        stream = io.BytesIO()
        act(subunit.StreamResultToBytes(stream))
        path = self.directory / 'some.subunit'
        path.write_bytes(stream.getvalue())
        return path

    def results(self, *outcomes):
        """Return a file with a test for each of *outcomes*."""
        def act(stream):
            result = testtools.ExtendedToStreamDecorator(stream)
            result.startTestRun()
            for outcome in outcomes:
                testtools.PlaceHolder(
                    'test ' + outcome, outcome=outcome,
                    details={'traceback': TRACEBACK, 'log': LOG}).run(result)
            result.stopTestRun()

        return self.stream(act)

    def sum_up(self, *args):
        """Return the exit status and what is printed."""
        output = io.StringIO()
        self.patch('sys.argv', ['sum_results', *map(str, args)])
        self.patch('sys.stdout', output)
        return sum_results.main(), output.getvalue()

    def test_all_is_well(self):
        self.assertEqual(
            (0, '4 passed, 0 failed, 1 skipped\n'),
            self.sum_up('--passed=3', self.results('addSuccess', 'addSkip')))

    def test_failures_stand_before_the_sum(self):
        status, output = self.sum_up(
            '--failed=some check', self.results('addSuccess', 'addFailure'))
        self.assertEqual(1, status)
        lines = output.splitlines()
        self.assertEqual(
            ['failed: some check', 'failed: some: test addFailure: fail',
             '1 passed, 2 failed, 0 skipped'], lines[-3:])
        self.assertIn('98', lines)
        self.assertNotIn('59', lines)
        self.assertEqual(200, max(map(len, lines)))
        self.assertEqual('the error', lines[-4])

    def test_a_test_that_never_ended(self):
        path = self.stream(lambda stream: stream.status(
            test_id='killed', test_status='inprogress'))
        status, output = self.sum_up(path)
        self.assertEqual(1, status)
        self.assertEqual(
            ['failed: some: killed: inprogress',
             '0 passed, 1 failed, 0 skipped'], output.splitlines()[-2:])

    def test_no_result_is_a_failure(self):
        empty = self.directory / 'empty.subunit'
        empty.touch()
        for path in (empty, self.directory / 'missing.subunit'):
            status, output = self.sum_up(path)
            self.assertEqual(1, status)
            self.assertIn('failed: %s\n' % path.stem, output)
