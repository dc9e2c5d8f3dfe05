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

"""The Tempest plugin where neither Glance nor Nova has our router.

A Tempest that has it installed may be for many clouds.
"""

from __future__ import annotations

import io
import pathlib
import subprocess
import sys
from typing import Any

import fixtures
import subunit
import testtools

from allinone.openstack import tempest
from allinone import service
from tests.cloud import base

PLUGIN = 'glance_progress_tempest_plugin'

GLANCE = ('glance_progress.api:API.factory',
          'glance.api.v2.router:API.factory')
NOVA = ('nova_snapshot_fix.api:APIRouterV21.factory',
        'nova.api.openstack.compute:APIRouterV21.factory')


class StockTest(testtools.TestCase):

    def setUp(self) -> None:
        super().setUp()
        machine = base.machine()
        for project, routers in (
                (machine.glance, GLANCE), (machine.nova, NOVA)):
            self.replace(project.paste_ini, routers, project.api)

    def replace(self, path: pathlib.Path, routers: tuple[str, str],
                daemon: service.Service) -> None:
        ours, stock = routers
        before = path.read_text()
        self.assertIn(ours, before)
        self.addCleanup(self.restart, path, before, daemon)
        self.restart(path, before.replace(ours, stock), daemon)

    def restart(self, path: pathlib.Path, text: str,
                daemon: service.Service) -> None:
        path.write_text(text)
        daemon.restart(base.PATIENCE)

    def run_tempest(self) -> list[dict[str, Any]]:
        """Return what came of the plugin's tests, not told of the cloud."""
        site = base.machine().site
        text = tempest.conf(site).read_text()
        before, _, _ = text.partition('[glance_progress]')
        conf = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path) / 'tempest.conf'
        conf.write_text(before)
        # It exits as it does after a failure when all is skipped.
        done = subprocess.run(
            [pathlib.Path(sys.prefix) / 'bin' / 'tempest', 'run', '--subunit',
             '--config-file', conf, '--regex', PLUGIN],
            cwd=tempest.workspace(site), stdout=subprocess.PIPE)
        found: list[dict[str, Any]] = []
        result = testtools.StreamToDict(found.append)
        result.startTestRun()
        subunit.ByteStreamToStreamResult(
            io.BytesIO(done.stdout), non_subunit_name='output').run(result)
        result.stopTestRun()
        return [each for each in found if each['status'] != 'exists']

    def test_skipped(self) -> None:
        results = self.run_tempest()
        # Each class speaks for all of its tests.
        self.assertNotEqual([], results)
        for each in results:
            self.assertIn(PLUGIN, each['id'])
            self.assertEqual('skip', each['status'], each)
            self.assertIn('[glance_progress]',
                          each['details']['reason'].as_text())
