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

"""The table of images in Horizon, while data come and do not."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
import contextlib
from typing import Any

import testtools

from tests.cloud import base
from tests.dashboard import browser
from tests.functional import http_upload

MiB = 2 ** 20
SIZE = 64 * MiB

#: Of the requirement: so many images, and seconds between two requests.
MANY = 100
PACE = 2


def create_image(name: str) -> Any:
    return base.connect('demo').image.create_image(
        name, disk_format='raw', container_format='bare',
        allow_duplicates=True)


def delete_image(image_id: str) -> None:
    base.connect('demo').image.delete_image(image_id)


def begin_upload(image_id: str,
                 target: str = 'file') -> http_upload.Upload:
    machine = base.machine()
    return http_upload.Upload(
        machine.site.ports['glance'], image_id,
        {'X-Auth-Token': base.connect('demo').session.get_token()},
        SIZE, target)


def stage(image_id: str, size: int) -> None:
    base.connect('demo').image.put(
        f'/images/{image_id}/stage', data=b'\1' * size,
        headers={'Content-Type': 'application/octet-stream'})


@contextlib.contextmanager
def slow_ceph() -> Iterator[None]:
    """Have the OSD take its time with each message."""
    option = 'osd_debug_inject_dispatch_delay_'
    ceph = base.machine().ceph.ceph
    ceph('tell', 'osd.0', 'config', 'set', option + 'duration', '0.5')
    try:
        ceph('tell', 'osd.0', 'config', 'set', option + 'probability', '1')
        yield
    finally:
        ceph('tell', 'osd.0', 'config', 'set', option + 'probability', '0')


class DashboardTest(testtools.TestCase):

    browser: browser.Browser

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.browser = browser.Browser('demo')

    @classmethod
    def tearDownClass(cls) -> None:
        cls.browser.close()
        super().tearDownClass()

    def image(self, name: str) -> str:
        image_id: str = create_image(name).id
        self.addCleanup(base.connect('demo').image.delete_image, image_id)
        return image_id

    def percent_above(self, name: str, percent: float) -> float:
        """Wait until the first bar has passed a percentage, and return it."""
        def passed() -> float | None:
            bars = self.browser.bars(name)
            now = float(bars[0]['now'] or 0) if bars else 0
            return now if now > percent else None

        found: float = self.browser.wait('%s above %s' % (name, percent),
                                         passed)
        return found

    def test_bar_moves_and_ends(self) -> None:
        name = 'debian-13'
        image_id = self.image(name)
        upload = begin_upload(image_id)
        upload.send(b'\1' * 17 * MiB)
        self.browser.open_images()
        seen = [self.percent_above(name, 0)]
        for _ in range(2):
            upload.send(b'\1' * 16 * MiB)
            seen.append(self.percent_above(name, seen[-1]))
        self.assertEqual(sorted(set(seen)), seen)
        bar, = self.browser.bars(name)
        self.assertEqual(('0', '100'), (bar['least'], bar['most']))
        self.assertEqual('Uploading ceph', bar['label'])
        self.assertIn('of 64.00 MB', bar['said'])
        self.assertGreater(bar['width'], 0)
        self.assertIn('Saving', self.browser.row(name))
        self.browser.picture('table')

        # In the image's details, and in the other theme.
        self.browser.open(f'/ngdetails/OS::Glance::Image/{image_id}')
        self.assertIn('Uploading', self.browser.find(
            'image-progress-details .image-progress').text)
        self.browser.picture('details')
        self.browser.driver.add_cookie({'name': 'theme', 'value': 'material'})
        self.browser.open_images()
        self.percent_above(name, 0)
        self.browser.picture('material')
        self.browser.driver.delete_cookie('theme')
        self.browser.open_images()

        upload.send(b'\1' * (SIZE - 49 * MiB))
        self.assertEqual(204, upload.end())
        self.browser.wait(
            'end', lambda: 'Active' in self.browser.row(name)
            and not self.browser.bars(name))
        self.assertEqual([], self.browser.complaints())

    def test_failure_is_told(self) -> None:
        name = 'sender-gone'
        image_id = create_image(name).id
        upload = begin_upload(image_id)
        upload.send(b'\1' * 33 * MiB)
        self.browser.open_images()
        self.percent_above(name, 0)
        upload.abandon()
        self.browser.wait('failure', lambda: any(
            bar['red'] for bar in self.browser.bars(name)))
        bar, = self.browser.bars(name)
        self.assertIn('Failed: The image data could not be read', bar['text'])
        self.assertIn(bar['text'], bar['said'])
        self.browser.picture('failure')

        # The project can read it when the image is gone, too.
        delete_image(image_id)
        self.browser.open('/project/image_failures')
        self.browser.wait(
            'recent failure', lambda: 'deleted' in self.browser.row(name))
        self.assertIn('could not be read', self.browser.row(name))
        self.browser.picture('failures')

    def test_several_stores(self) -> None:
        name = 'two-stores'
        image_id = self.image(name)
        stage(image_id, SIZE)
        self.browser.open_images()
        self.browser.wait(
            'staged', lambda: 'Staged' in self.browser.row(name))
        self.assertIn('Uploading', self.browser.row(name))
        with slow_ceph():
            base.connect('demo').image.post(
                f'/images/{image_id}/import',
                json={'method': {'name': 'glance-direct'},
                      'stores': ['ceph', 'second']})
            self.browser.wait('two bars', lambda: any(
                bar['now'] not in (None, '0') for bar in
                self.browser.bars(name)) and
                len(self.browser.bars(name)) == 2)
            self.assertEqual(
                {'Importing ceph', 'Importing second'},
                {bar['label'] for bar in self.browser.bars(name)})
            self.browser.picture('stores')
        self.browser.wait(
            'end', lambda: 'Active' in self.browser.row(name))

    def test_many_images_cost_one_request(self) -> None:
        names = ['many-%d' % number for number in range(MANY)]
        with futures.ThreadPoolExecutor(4) as pool:
            images = list(pool.map(create_image, names))
            list(pool.map(lambda image: stage(image.id, 1), images))
        try:
            self.browser.open_images()
            self.browser.wait('bars', lambda: len(
                self.browser.find_all('.image-progress-phase')))
            seconds = 20
            asked = self.browser.asked(seconds)
            self.assertLessEqual(len(asked), seconds / PACE, asked)
            self.assertGreater(len(asked), 0)
        finally:
            with futures.ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda image: delete_image(image.id), images))

    def test_without_our_api(self) -> None:
        machine = base.machine()
        settings = base.Settings(
            machine.glance.paste_ini, machine.glance.api)
        self.addCleanup(settings.edit, {})
        settings.edit({'app:apiv2app': {
            'paste.app_factory': 'glance.api.v2.router:API.factory'}})
        name = 'as-ever'
        upload = begin_upload(self.image(name))
        upload.send(b'\1' * 9 * MiB)
        self.browser.open_images()
        self.browser.wait(
            'status', lambda: 'Saving' in self.browser.row(name))
        self.assertEqual(1, len(self.browser.find_all(
            'image-progress-status .horizon-loading-bar')))
        self.assertEqual([], self.browser.find_all('.image-progress'))
        # The table refreshes by itself, as without us.
        upload.send(b'\1' * (SIZE - 9 * MiB))
        self.assertEqual(204, upload.end())
        self.browser.wait(
            'end', lambda: 'Active' in self.browser.row(name))
        self.assertEqual([], self.browser.complaints())
