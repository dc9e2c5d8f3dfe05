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

"""Tests how findings are summed up."""

from __future__ import annotations

import json

import testtools

from glance_progress.leftovers import finding
from glance_progress.leftovers import report

FOUND = [finding.Finding('data', 'left behind', 'a', 'RBD image', '', size=5),
         finding.Finding('data', 'left behind', 'b', 'RBD image', ''),
         finding.Finding('trash', 'waiting', 'c', 'RBD image', '')]


class SumsTest(testtools.TestCase):

    def test_every_kind_and_state_is_there(self):
        for summed in (report.counts([]), report.sizes([])):
            self.assertEqual(set(finding.KINDS), set(summed))
            self.assertEqual({'left behind': 0, 'unknown': 0},
                             summed['uploads'])

    def test_sums(self):
        self.assertEqual(2, report.counts(FOUND)['data']['left behind'])
        self.assertEqual(5, report.sizes(FOUND)['data']['left behind'])
        self.assertEqual(
            1, json.loads(report.as_json(FOUND))['counts']['trash']['waiting'])

    def test_what_waits_in_the_trash_is_nothing_to_do(self):
        self.assertEqual([True, True, False],
                         [each.notable for each in FOUND])
