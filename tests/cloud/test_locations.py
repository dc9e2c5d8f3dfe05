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

"""What image locations need, with snapshots that Nova makes.

Each row of doc/source/admin/locations.rst that Glance and Nova of this cloud
can show: what glance-progress-status foretells, and what comes.
"""

from __future__ import annotations

import contextlib
import pathlib
import subprocess
import sys
from typing import Any

from keystoneauth1 import exceptions
import testtools

from allinone.openstack import nova
from allinone import service
from tests.cloud import base

#: What comes of a snapshot.
CLONED, UPLOADED, LOST = 'cloned', 'uploaded', 'lost'

WITHOUT_TOKEN: base.Edits = {'service_user': {
    'send_service_user_token': 'false'}}


#: How glance-api is told of such a Nova.
OLD = {'location_consumers': 'old-api'}
MIXED = {'location_consumers': 'mixed'}


class OldCallCompute(nova.Compute):
    """nova-compute that registers locations as before 2025.2 (32)."""

    def program(self) -> list[str]:
        program = pathlib.Path(__file__).with_name('old_call_compute.py')
        return [sys.executable, str(program), *super().program()[1:]]


def _glance(multiple: bool, direct: bool = True,
            **options: str) -> base.Edits:
    return {'DEFAULT': {'show_image_direct_url': str(direct),
                        'show_multiple_locations': str(multiple)},
            'glance_progress': options}


class TestCase(testtools.TestCase):
    """Sets Glance and Nova, and takes snapshots of a server in Ceph."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        machine = base.machine()
        cls.nova_compute = machine.nova.compute
        cls.glance = base.Settings(machine.glance.conf, machine.glance.api)
        cls.nova = base.Settings(machine.nova.conf, cls.nova_compute)
        cls.old_call_compute = OldCallCompute(
            machine.site, machine.rabbitmq, machine.nova.conf)
        # Its disk is a clone of the image.
        cls.server = base.create_server('locations', 'tiny')

    @classmethod
    def tearDownClass(cls) -> None:
        cls.nova.run(cls.nova_compute)
        for settings in (cls.glance, cls.nova):
            settings.edit({})
        base.delete_server(cls.server)
        super().tearDownClass()

    def set(self, glance: base.Edits, nova: base.Edits,
            compute: service.Service | None = None) -> None:
        self.nova.run(compute or self.nova_compute)
        self.nova.edit(nova)
        self.glance.edit(glance)

    def foretold(self, nova_release: str = '34') -> int:
        """Return the status of the check: 2 for what loses snapshots."""
        done = subprocess.run(
            [sys.prefix + '/bin/glance-progress-status',
             '--config-file', str(self.glance.path), 'check', '--offline',
             '--nova-conf', str(self.nova.path),
             '--nova-release', nova_release],
            capture_output=True, text=True, timeout=base.PATIENCE)
        self.assertIn(done.returncode, (0, 1, 2), done.stderr)
        return done.returncode

    def snapshot(self, server: Any = None) -> str:
        """Let Nova make a snapshot and return what came of it.

        `log` is what Nova has said meanwhile, and `answers` is what our API
        has.
        """
        demo = base.connect('demo')
        server = server or self.server
        log = self.nova_compute.log_path
        start = log.stat().st_size
        self.answers: list[dict[str, Any]] = []
        image_id = demo.compute.create_server_image(
            server, self.id().rpartition('.')[2]).id
        image = base.wait_for('snapshot', lambda: self._ended(
            server.id, image_id))
        with log.open('rb') as lines:
            lines.seek(start)
            self.log = lines.read().decode(errors='replace')
        if image is None or image == LOST:
            return LOST
        self.addCleanup(demo.image.delete_image, image_id)
        answer = base.wait_for('answer', lambda: self._done(image_id))
        # Whatever is uploaded leaves a record.
        return CLONED if answer['source'] == 'database' else UPLOADED

    @staticmethod
    def _done(image_id: str) -> dict[str, Any] | None:
        # What it shows may be some seconds old.
        answer = base.progress(image_id)
        return answer if answer['phase'] == 'done' else None

    def _ended(self, server_id: str, image_id: str) -> Any:
        compute = base.connect('demo').compute
        if compute.get_server(server_id).task_state:
            with contextlib.suppress(exceptions.NotFound):  # it is lost
                self.answers.append(base.progress(image_id))
            return None
        image = base.find_image(image_id)
        if image is None or image.status in ('deleted', 'killed'):
            return LOST
        return image if image.status == 'active' else None


class LocationsTest(TestCase):

    def test_token(self) -> None:
        self.set(_glance(multiple=False), {})
        self.assertEqual(0, self.foretold())
        self.assertEqual(CLONED, self.snapshot())

    def test_token_and_multiple_locations(self) -> None:
        self.set(_glance(multiple=True), {})
        self.assertEqual(1, self.foretold())  # it works, and exposes
        self.assertEqual(CLONED, self.snapshot())

    def test_no_token(self) -> None:
        self.set(_glance(multiple=False), WITHOUT_TOKEN)
        self.assertEqual(2, self.foretold())
        self.assertEqual(LOST, self.snapshot())
        self.assertIn('ImageNotAuthorized', self.log)

    def test_no_token_and_multiple_locations(self) -> None:
        """The option alone no longer helps."""
        for options in {}, MIXED:
            self.set(_glance(multiple=True, **options), WITHOUT_TOKEN)
            self.assertEqual(2, self.foretold())
        self.assertEqual(LOST, self.snapshot())
        self.assertIn('ImageNotAuthorized', self.log)

    def test_user_without_role(self) -> None:
        """The check does not know: Keystone does."""
        demo = base.machine().site.credentials('demo', 'demo')
        self.set(_glance(multiple=False), {'service_user': {
            name: str(value) for name, value in demo.items()}})
        self.assertEqual(0, self.foretold())
        self.assertEqual(LOST, self.snapshot())

    def test_hidden_from_a_clone(self) -> None:
        """The disk is a clone, whatever Glance shows by now."""
        disk = f'{nova.POOL}/{self.server.id}_disk'
        self.assertIn('parent', base.machine().ceph.rbd(
            'info', disk, parse=True))
        self.set(_glance(multiple=False, direct=False), {})
        self.assertEqual(CLONED, self.snapshot())

    def test_hidden_from_a_copy(self) -> None:
        self.set(_glance(multiple=False, direct=False), {})
        # Of another image: from now on Nova has this one in its cache, and
        # makes no clones of it any more.
        server = base.create_server('copy', 'tiny-alt')
        self.addCleanup(base.delete_server, server)
        self.assertEqual(UPLOADED, self.snapshot(server))
        # Nova does not tell how much comes, and a flavor is no total.
        self.assertIn((None, None, 2 ** 30), [
            (store['total_bytes'], store['eta'], store['expected_bytes'])
            for answer in self.answers for store in answer['stores']])
        self.assertEqual({None}, {
            answer['percent'] for answer in self.answers
            if answer['phase'] == 'upload'})

    def test_old_call(self) -> None:
        self.set(_glance(multiple=False, location_check='off', **OLD), {},
                 self.old_call_compute)
        self.assertEqual(2, self.foretold('31'))
        self.assertEqual(LOST, self.snapshot())
        self.assertIn('ImageNotAuthorized', self.log)

    def test_old_call_and_multiple_locations(self) -> None:
        self.set(_glance(multiple=True, **OLD), {}, self.old_call_compute)
        self.assertEqual(1, self.foretold('31'))
        self.assertEqual(CLONED, self.snapshot())

    def test_mixed(self) -> None:
        """In an upgrade there are Novas of both kinds."""
        for compute, release in ((self.nova_compute, '34'),
                                 (self.old_call_compute, '31')):
            with self.subTest(release):
                self.set(_glance(multiple=True, **MIXED), {}, compute)
                self.assertEqual(1, self.foretold(release))
                self.assertEqual(CLONED, self.snapshot())

    def test_refused_at_start(self) -> None:
        for options in OLD, MIXED:
            start = len(self.glance.daemon.log_path.read_text())
            self.assertRaises(
                service.ServiceError, self.glance.edit,
                _glance(multiple=False, **options))
            # More than the error shows: it says what to do in several ways.
            said = self.glance.daemon.log_path.read_text()[start:]
            self.assertIn('location_check', said)
            self.assertIn('old-location-call-refused', said)
