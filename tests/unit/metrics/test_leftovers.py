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

"""Tests what node_exporter reads of what was left behind."""

from __future__ import annotations

import pathlib

import fixtures
from prometheus_client import parser
import testtools

from glance_progress.metrics import leftovers

FOUND = leftovers.Findings(
    {'data': {'left behind': 2, 'unknown': 0}, 'lost': {'missing': 1}},
    {'data': {'left behind': 20, 'unknown': 0}, 'lost': {'missing': 0}},
    1000.0)


class WriteTest(testtools.TestCase):

    def test_a_file(self):
        path = pathlib.Path(
            self.useFixture(fixtures.TempDir()).join('a.prom'))
        leftovers.write(str(path), FOUND)
        samples = {
            (each.name, *each.labels.values()): each.value
            for family in parser.text_string_to_metric_families(
                path.read_text()) for each in family.samples}
        self.assertEqual({
            ('glance_progress_leftovers', 'data', 'left behind'): 2,
            ('glance_progress_leftovers', 'data', 'unknown'): 0,
            ('glance_progress_leftovers', 'lost', 'missing'): 1,
            ('glance_progress_leftovers_bytes', 'data', 'left behind'): 20,
            ('glance_progress_leftovers_bytes', 'data', 'unknown'): 0,
            ('glance_progress_leftovers_bytes', 'lost', 'missing'): 0,
            ('glance_progress_leftovers_last_look_timestamp_seconds',): 1000,
        }, samples)

    def test_it_cannot_be_written(self):
        self.assertRaises(
            OSError, leftovers.write, '/missing/a.prom', FOUND)
