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


"""Snapshots that Glance refuses, where nova-compute is patched.

They are uploaded, and the patches have Nova tell the size as well.
"""

from __future__ import annotations

import pathlib
import shutil
import tempfile
from typing import Any

import libvirt

from tests.cloud import base
from tests.cloud import patched
from tests.cloud import test_locations

NO_MULTIPLE_LOCATIONS: base.Edits = {'DEFAULT': {
    'show_image_direct_url': 'True', 'show_multiple_locations': 'False'}}

COLD: base.Edits = {'workarounds': {'disable_libvirt_livesnapshot': 'true'}}


class RefusedTest(test_locations.TestCase):

    compute: patched.Patched

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        tree = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, tree)
        cls.compute = patched.Patched(cls.nova_compute, tree)

    def domain(self) -> Any:
        connection = libvirt.open(base.machine().nova.libvirt_uri)
        self.addCleanup(connection.close)
        return connection.lookupByUUIDString(self.server.id)

    def check_server(self) -> None:
        """The server is as it was, and is not to be restored from a file."""
        found = self.domain()
        self.assertEqual(libvirt.VIR_DOMAIN_RUNNING, found.state()[0])
        self.assertFalse(found.hasManagedSaveImage())
        server = base.connect('demo').compute.get_server(self.server.id)
        self.assertEqual('ACTIVE', server.status)

    def check_refused(self, edits: base.Edits) -> None:
        self.set(NO_MULTIPLE_LOCATIONS,
                 {**test_locations.WITHOUT_TOKEN, **edits}, self.compute)
        self.assertEqual(2, self.foretold())  # it knows nothing of patches
        self.assertEqual(test_locations.UPLOADED, self.snapshot())
        self.check_server()
        self.assertIn('Performing standard snapshot', self.log)
        self.assertIn('http store must be enabled', self.log)
        base.assert_told(self, self.answers)
        # Snapshots have the names of their tests.
        server = base.create_server('again', self.id().rpartition('.')[2])
        self.addCleanup(base.delete_server, server)
        self.assertEqual('ACTIVE', server.status)

    def test_live(self) -> None:
        self.check_refused({})
        self.assertIn('Beginning live snapshot', self.log)

    def test_cold(self) -> None:
        self.check_refused(COLD)
        self.assertIn('Beginning cold snapshot', self.log)

    def test_accepted(self) -> None:
        for edits in {}, COLD:
            with self.subTest(edits):
                self.set(NO_MULTIPLE_LOCATIONS, edits, self.compute)
                self.assertEqual(test_locations.CLONED, self.snapshot())
                self.check_server()
