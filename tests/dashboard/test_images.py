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

from concurrent import futures

import pymemcache

from allinone.openstack import layout
from tests.cloud import base
from tests.dashboard import dashboard_base

MiB = dashboard_base.MiB

#: Of the requirement: so many images, and seconds between two requests.
MANY = 100
PACE = 2

#: The panel with failures, in the navigation.
_PANEL = 'a[href$="/project/image_failures/"]'


def _forget_api() -> None:
    """Have Horizon find out anew whether glance-api has our API."""
    site = base.machine().site
    memcached = pymemcache.Client(site.memcached_address)
    try:
        memcached.delete(f':1:glance-progress-available-{layout.REGION}')
    finally:
        memcached.close()


class ImagesTest(dashboard_base.DashboardTestCase):

    def test_bar_moves_and_ends(self) -> None:
        name = 'debian-13'
        image_id = self.image(name)
        upload = dashboard_base.begin_upload(image_id)
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
        self.browser.use_theme('material')
        self.addCleanup(self.browser.use_theme, 'default')
        self.browser.open_images()
        self.percent_above(name, 0)
        self.browser.picture('material')
        self.browser.use_theme('default')

        self.browser.open_images()
        upload.send(b'\1' * (dashboard_base.SIZE - 49 * MiB))
        self.assertEqual(204, upload.end())
        self.wait_active(name)
        self.assertEqual([], self.browser.complaints())

    def test_stalled_since(self) -> None:
        machine = base.machine()
        settings = base.Settings(machine.glance.conf, machine.glance.api)
        self.addCleanup(settings.edit, {})
        settings.edit({'glance_progress': {'stalled_after': '3'}})
        name = 'sender-asleep'
        upload = dashboard_base.begin_upload(self.image(name))
        upload.send(b'\1' * 17 * MiB)
        self.browser.open_images()
        begun = self.percent_above(name, 0)
        self.browser.wait('stalled', lambda: any(
            'stalled since' in bar['text'] for bar in self.browser.bars(name)))
        bar, = self.browser.bars(name)
        self.assertFalse(bar['red'])
        self.assertIn('stalled since', bar['said'])
        self.browser.picture('stalled')
        upload.send(b'\1' * 16 * MiB)
        self.percent_above(name, begun)
        self.browser.wait('no longer stalled', lambda: not any(
            'stalled' in bar['text'] for bar in self.browser.bars(name)))
        # A glance-api that is at an upload does not restart at once.
        upload.send(b'\1' * (dashboard_base.SIZE - 33 * MiB))
        self.assertEqual(204, upload.end())
        self.wait_active(name)

    def test_failure_is_told(self) -> None:
        name = 'sender-gone'
        image_id = dashboard_base.create_image(name).id
        upload = dashboard_base.begin_upload(image_id)
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
        dashboard_base.delete_image(image_id)
        self.browser.open('/project/image_failures')
        self.browser.wait(
            'recent failure', lambda: 'deleted' in self.browser.row(name))
        self.assertIn('could not be read', self.browser.row(name))
        self.browser.find(_PANEL)
        self.browser.picture('failures')
        self.browser.use_theme('material')
        self.addCleanup(self.browser.use_theme, 'default')
        self.browser.open('/project/image_failures')
        self.browser.wait(
            'recent failure', lambda: 'deleted' in self.browser.row(name))
        self.browser.picture('failures-material')

    def test_several_stores(self) -> None:
        name = 'two-stores'
        image_id = self.image(name)
        dashboard_base.stage(image_id, dashboard_base.SIZE)
        self.browser.open_images()
        self.browser.wait(
            'staged', lambda: 'Staged' in self.browser.row(name))
        self.assertIn('Uploading', self.browser.row(name))
        with dashboard_base.slow_ceph(0.2):
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
        self.wait_active(name)

    def test_many_images_cost_one_request(self) -> None:
        names = ['many-%d' % number for number in range(MANY)]
        with futures.ThreadPoolExecutor(4) as pool:
            images = list(pool.map(dashboard_base.create_image, names))
            list(pool.map(
                lambda image: dashboard_base.stage(image.id, 1), images))
        try:
            self.browser.open_images()
            self.browser.wait('bars', lambda: len(
                self.browser.find_all('.image-progress-phase')))
            seconds = 10
            asked = self.browser.asked(seconds)
            self.assertLessEqual(len(asked), seconds / PACE, asked)
            self.assertGreater(len(asked), 0)
        finally:
            with futures.ThreadPoolExecutor(4) as pool:
                list(pool.map(
                    lambda image: dashboard_base.delete_image(image.id),
                    images))

    def test_without_our_api(self) -> None:
        machine = base.machine()
        settings = base.Settings(
            machine.glance.paste_ini, machine.glance.api)
        self.addCleanup(settings.edit, {})
        settings.edit({'app:apiv2app': {
            'paste.app_factory': 'glance.api.v2.router:API.factory'}})
        _forget_api()
        self.addCleanup(_forget_api)
        name = 'as-ever'
        upload = dashboard_base.begin_upload(self.image(name))
        upload.send(b'\1' * 9 * MiB)
        self.browser.open_images()
        self.browser.wait(
            'status', lambda: 'Saving' in self.browser.row(name))
        self.assertEqual(1, len(self.browser.find_all(
            'image-progress-status .horizon-loading-bar')))
        self.assertEqual([], self.browser.find_all('.image-progress'))
        # The table refreshes by itself, as without us.
        upload.send(b'\1' * (dashboard_base.SIZE - 9 * MiB))
        self.assertEqual(204, upload.end())
        self.wait_active(name)
        self.assertEqual([], self.browser.find_all(_PANEL))
        self.assertEqual([], self.browser.complaints())


class AdminImagesTest(dashboard_base.DashboardTestCase):

    user = 'admin'

    def test_bar_moves(self) -> None:
        name = 'of-a-project'
        upload = dashboard_base.begin_upload(self.image(name))
        upload.send(b'\1' * 17 * MiB)
        self.browser.open_images('admin')
        percent = self.percent_above(name, 0)
        upload.send(b'\1' * 16 * MiB)
        self.percent_above(name, percent)
        upload.send(b'\1' * (dashboard_base.SIZE - 33 * MiB))
        self.assertEqual(204, upload.end())
        self.wait_active(name)
        self.assertEqual([], self.browser.complaints())
