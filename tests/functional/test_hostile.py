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

"""A few cases of what ``python -m tools.fuzz`` feeds in great numbers."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import testscenarios
import testtools

CASES = 150

#: As tools.fuzz calls them, without importing what they need here.
TARGETS = ('records', 'protocol', 'options', 'paste', 'requests')


class HostileTest(testscenarios.WithScenarios, testtools.TestCase):

    scenarios = [(target, {'target': target}) for target in TARGETS]

    def test_takes_it(self) -> None:
        # A process of its own: it makes a glance-api of itself.
        done = subprocess.run(
            [sys.executable, '-m', 'tools.fuzz', '--cases', str(CASES),
             self.target], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, cwd=pathlib.Path(__file__).parents[2],
            env={**os.environ, 'PYTHONPATH': '.'}, timeout=300)
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertRegex(done.stdout, r'%s: \d+ cases' % self.target)
