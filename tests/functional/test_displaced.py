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

"""An upload whose RBD image was taken away touches no other of that name."""

from __future__ import annotations

from collections.abc import Callable

from glance_store import exceptions
import rbd
import testscenarios

from glance_progress.driver import failure
from glance_progress.driver import fence
from tests.functional import base
from tests.functional import services

MiB = base.MiB
OTHER = b'another upload' * 1000


class DisplacedTest(testscenarios.WithScenarios, base.TestCase):

    scenarios = base.MODES
    writes_in_flight: int

    def upload(self, at_end: Callable[[str], None]) -> str:
        """Upload an image that is moved to the trash in the middle."""
        image_id = self.image_id()
        conf = self.conf(services.memcached().address,
                         writes_in_flight=self.writes_in_flight)

        def at_read(number: int) -> None:
            if number == 2:
                rbd.RBD().trash_move(self.ioctx(), image_id, 0)
            if number == 4:
                at_end(image_id)
        self.assertRaises(
            fence.Displaced, self.store(conf).add, image_id,
            base.Body(base.data(4 * MiB), at_read), 4 * MiB, 'sha512')
        self.wait_for(lambda: self.record(conf, image_id).failure
                      == failure.reason(fence.Displaced(), False))
        return image_id

    def another(self, image_id: str) -> None:
        """Upload it again, to the end."""
        ioctx = self.ioctx()
        rbd.RBD().create(ioctx, image_id, len(OTHER), old_format=False)
        with rbd.Image(ioctx, image_id) as image:
            image.write(OTHER, 0)
            image.create_snap('snap')
            image.protect_snap('snap')

    def test_it_is_gone(self) -> None:
        image_id = self.upload(lambda image_id: None)
        self.assertNotIn(image_id, rbd.RBD().list(self.ioctx()))

    def test_another_is_there(self) -> None:
        image_id = self.upload(self.another)
        self.assertEqual(OTHER, self.rbd_content(image_id))

    def test_it_fails_and_cleans_up(self) -> None:
        def fail(image_id: str) -> None:
            self.another(image_id)
            raise exceptions.BackendException('made up')
        image_id = self.upload(fail)
        self.assertEqual(OTHER, self.rbd_content(image_id))
