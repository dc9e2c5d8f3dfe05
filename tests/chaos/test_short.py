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

"""Ninety seconds of chaos, always the same one."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

import testtools
from testtools import content

from tests.functional import services

SEED = 20
SECONDS = 90


@functools.cache
def ran() -> tuple[str, dict[str, Any]]:
    """Return what the run has printed, and its report; {} if it broke."""
    with tempfile.TemporaryDirectory(
            dir=os.environ.get('GLANCE_PROGRESS_TEST_DIR')) as directory:
        report = pathlib.Path(directory) / 'report.json'
        done = subprocess.run(
            ['unshare', '--net', sys.executable, '-m', 'tests.chaos',
             '--seed', str(SEED), '--seconds', str(SECONDS),
             '--report', report],
            cwd=services.PROJECT, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=1200,
            env={**os.environ, 'TMPDIR': directory})
        return done.stdout, (
            json.loads(report.read_text()) if report.exists() else {})


class ShortTest(testtools.TestCase):
    """An invariant each, of one run."""

    def assert_holds(self, invariant: str) -> None:
        said, report = ran()
        self.addDetail('run', content.text_content(said))
        self.assertTrue(report, 'it has not come to its end')
        self.assertGreater(report['checks'].get(invariant, 0), 0)
        self.assertEqual([], report['violations'].get(invariant, []))

    def test_hashes(self) -> None:
        """What is active is in Ceph as it was sent."""
        self.assert_holds('hashes')

    def test_progress(self) -> None:
        """It never falls, and is that of the image and of its attempt."""
        self.assert_holds('progress')

    def test_answers(self) -> None:
        """Who asks is answered."""
        self.assert_holds('answers')

    def test_agreement(self) -> None:
        """At the end every answer is what the database says."""
        self.assert_holds('agreement')

    def test_rest(self) -> None:
        """No thread, no handle and no memory is left."""
        self.assert_holds('rest')

    def test_files(self) -> None:
        """Nothing is left in staging areas and pools."""
        self.assert_holds('files')

    def test_stock(self) -> None:
        """Stock has not done better."""
        self.assert_holds('stock')
