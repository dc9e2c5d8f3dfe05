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

"""What tests of Horizon share: uploads of a user, and a browser."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
from typing import Any

import testtools

from tests.cloud import base
from tests.dashboard import browser
from tests.functional import http_upload

MiB = 2 ** 20
SIZE = 64 * MiB


def create_image(name: str) -> Any:
    return base.connect('demo').image.create_image(
        name, disk_format='raw', container_format='bare',
        allow_duplicates=True)


def delete_image(image_id: str) -> None:
    base.connect('demo').image.delete_image(image_id)


def begin_upload(image_id: str) -> http_upload.Upload:
    return http_upload.Upload(
        base.machine().site.ports['glance'], image_id,
        {'X-Auth-Token': base.connect('demo').session.get_token()}, SIZE)


def stage(image_id: str, size: int) -> None:
    base.connect('demo').image.put(
        f'/images/{image_id}/stage', data=b'\1' * size,
        headers={'Content-Type': 'application/octet-stream'})


@contextlib.contextmanager
def slow_ceph(seconds: float) -> Iterator[Callable[[float], None]]:
    """Have the OSD take so long with each message.

    What the context gives is called when it shall take longer.
    """
    def tell(name: str, value: float) -> None:
        base.machine().ceph.ceph(
            'tell', 'osd.0', 'config', 'set',
            f'osd_debug_inject_dispatch_delay_{name}', str(value))

    def delay(seconds: float) -> None:
        tell('duration', seconds)

    delay(seconds)
    try:
        tell('probability', 1)
        yield delay
    finally:
        tell('probability', 0)


class DashboardTestCase(testtools.TestCase):

    #: Who has logged in.
    user = 'demo'

    browser: browser.Browser

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.browser = browser.Browser(cls.user)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.browser.close()
        super().tearDownClass()

    def image(self, name: str) -> str:
        image_id: str = create_image(name).id
        self.addCleanup(delete_image, image_id)
        return image_id

    def delete_images(self, name: str) -> None:
        """Delete what a dialog has made, if it has."""
        client = base.connect('demo').image
        for image in client.images(name=name):
            client.delete_image(image.id)

    def percent_above(self, name: str, percent: float) -> float:
        """Wait until the first bar has passed a percentage, and return it."""
        def passed() -> float | None:
            bars = self.browser.bars(name)
            now = float(bars[0]['now'] or 0) if bars else 0
            return now if now > percent else None

        found: float = self.browser.wait('%s above %s' % (name, percent),
                                         passed)
        return found

    def wait_active(self, name: str) -> None:
        """Wait until a row says that the image is complete."""
        self.browser.wait(
            'end', lambda: 'Active' in self.browser.row(name)
            and not self.browser.bars(name))
