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

"""Images that the dialog "Create Image" makes of a file of the browser's."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import fixtures
from selenium.webdriver.support import ui

from tests.cloud import base
from tests.dashboard import dashboard_base


class CreateImageTest(dashboard_base.DashboardTestCase):

    def setUp(self) -> None:
        super().setUp()
        directory = self.useFixture(fixtures.TempDir()).path
        self.file = pathlib.Path(directory) / 'disk.raw'
        self.file.write_bytes(b'\1' * dashboard_base.SIZE)

    def create(self, name: str) -> None:
        """Fill in the dialog, and have the image created."""
        self.addCleanup(self.delete_images, name)
        self.browser.open_images()
        self.browser.wait('Create Image', lambda: [
            button for button in self.browser.find_all('action-list button')
            if button.text.strip() == 'Create Image'])[0].click()
        self.browser.find('#imageForm-name').send_keys(name)
        self.browser.find('[name=image_file]').send_keys(str(self.file))
        ui.Select(self.browser.find('#imageForm-format')
                  ).select_by_visible_text('Raw')
        self.browser.find('.modal-footer .finish:enabled').click()

    def dialog(self) -> list[Any]:
        return self.browser.find_all('.modal-dialog-wizard')

    def test_through_horizon(self) -> None:
        name = 'through-horizon'
        with dashboard_base.slow_ceph(0.05):
            self.create(name)
            self.browser.wait('dialog closed', lambda: not self.dialog())
            # Horizon does not tell the size: bytes come, but no percentage.
            seen = [self.amount_above(name, 0)]
            self.assertIn('Uploading', self.browser.row(name))
            self.amount_above(name, seen[-1])
        self.wait_active(name)
        self.assertEqual([], self.browser.complaints())

    def amount_above(self, name: str, amount: float) -> float:
        """Wait until more MiB than that are said to be there."""
        def passed() -> float | None:
            bars = self.browser.bars(name)
            said = re.match(r'([\d.]+) MB', bars[0]['text']) if bars else None
            return float(said[1]) if said and float(said[1]) > amount else None

        found: float = self.browser.wait(
            '%s above %s MB' % (name, amount), passed)
        return found

    def test_from_the_browser(self) -> None:
        self.let_browsers_upload()
        name = 'from-the-browser'
        with dashboard_base.slow_ceph(0.05) as delay:
            self.create(name)
            self.browser.wait('half of it', lambda: self.percent() > 50)
            # After the last piece is read the end takes several messages.
            delay(1)
            self.browser.wait('all sent', lambda: [
                note for note in self.browser.find_all(
                    'image-progress-create .alert')
                if 'The browser has sent everything' in note.text])
            self.assertEqual(1, len(self.dialog()))
            self.browser.picture('create')
        self.browser.wait('dialog closed', lambda: not self.dialog())
        self.wait_active(name)
        self.assertEqual([], self.browser.complaints())

    def percent(self) -> float:
        """Return what the bar in the dialog says."""
        bars = self.browser.find_all(
            'image-progress-create [role=progressbar]')
        return float(bars[0].get_attribute('aria-valuenow') or 0
                     ) if bars else 0

    def let_browsers_upload(self) -> None:
        """Have browsers send data to glance-api itself, until the end."""
        machine = base.machine()
        horizon = machine.horizon
        assert horizon
        # The filter has a look at files of its own: not at ours.
        glance = base.Settings(machine.glance.paste_ini, machine.glance.api)
        self.addCleanup(glance.edit, {})
        glance.edit({'filter:cors': {'allowed_origin': horizon.url}})
        before = horizon.settings.read_text()
        self.addCleanup(horizon.server.restart, base.PATIENCE)
        self.addCleanup(horizon.settings.write_text, before)
        horizon.settings.write_text(
            before + "HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")
        horizon.server.restart(base.PATIENCE)
