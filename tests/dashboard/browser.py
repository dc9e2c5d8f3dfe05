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

"""Horizon in a real browser: Debian's Chromium, without a screen.

$GLANCE_PROGRESS_PICTURES is a directory for pictures of what is seen.
"""

from __future__ import annotations

from collections.abc import Callable
import os
import pathlib
import time
from typing import Any

from selenium import webdriver
from selenium.webdriver.common import by
from selenium.webdriver.support import wait

from tests.cloud import base

#: Seconds in which a page, on a machine with other things to do, shows what
#: it shall show.
PATIENCE = 60

#: Of each bar of a row of the table: what screen readers say.
_BARS = """
const name = arguments[0];
return [...document.querySelectorAll('tr')]
    .filter(row => row.querySelector('td a') &&
        row.querySelector('td a').textContent.trim() === name)
    .flatMap(row => [...row.querySelectorAll('.image-progress-part')])
    .map(part => {
        const bar = part.querySelector('[role=progressbar]');
        return {
            label: bar.getAttribute('aria-label'),
            now: bar.getAttribute('aria-valuenow'),
            least: bar.getAttribute('aria-valuemin'),
            most: bar.getAttribute('aria-valuemax'),
            said: bar.getAttribute('aria-valuetext'),
            width: bar.getBoundingClientRect().width,
            red: bar.classList.contains('progress-bar-danger'),
            text: part.querySelector('.image-progress-text').innerText.trim(),
        };
    });
"""

#: The text of a row of the table.
_ROW = """
const name = arguments[0];
return [...document.querySelectorAll('tr')]
    .filter(row => [...row.querySelectorAll('td')]
        .some(cell => cell.textContent.trim() === name))
    .map(row => row.innerText).join();
"""

#: What the page has asked Horizon's API for since a time of its own.
_ASKED = """
return performance.getEntriesByType('resource')
    .filter(each => each.startTime > arguments[0] &&
        each.name.includes('/api/'))
    .map(each => each.name);
"""


class Browser:
    """Has logged in as a user of the cloud."""

    def __init__(self, user: str) -> None:
        horizon = base.machine().horizon
        assert horizon, 'a cloud without a dashboard'
        self.url = horizon.url
        options = webdriver.ChromeOptions()
        options.binary_location = '/usr/bin/chromium'
        for argument in ('--headless=new', '--no-sandbox',
                         '--disable-dev-shm-usage', '--window-size=1500,800'):
            options.add_argument(argument)
        options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
        self.driver = webdriver.Chrome(
            options=options,
            service=webdriver.ChromeService('/usr/bin/chromedriver'))
        self.driver.set_script_timeout(PATIENCE)
        self.driver.set_page_load_timeout(PATIENCE)
        try:
            self._log_in(user)
        except BaseException:
            self.close()
            raise

    def _log_in(self, user: str) -> None:
        self.open('/auth/login/')
        self.find('[name=username]').send_keys(user)
        self.find('[name=password]').send_keys(
            base.machine().site.passwords[user])
        self.find('#loginBtn').click()
        self.wait('login', lambda: '/auth/login' not in
                  self.driver.current_url)

    def close(self) -> None:
        self.driver.quit()

    def open(self, path: str) -> None:
        self.driver.get(self.url + path)

    def open_images(self, dashboard: str = 'project') -> None:
        """Open a table of images and wait until it is there."""
        self.open(f'/{dashboard}/images')
        self.find('hz-cell')

    def use_theme(self, name: str) -> None:
        """Have the pages that come look like another of Horizon's themes."""
        self.driver.delete_cookie('theme')
        if name != 'default':
            self.driver.add_cookie({'name': 'theme', 'value': name})

    def find(self, selector: str) -> Any:
        """Return what is at a CSS selector, once it is there."""
        return self.wait(selector, lambda: self.find_all(selector))[0]

    def find_all(self, selector: str) -> list[Any]:
        return self.driver.find_elements(by.By.CSS_SELECTOR, selector)

    def wait(self, what: str, look: Callable[[], Any]) -> Any:
        """Look until there is something, and return it."""
        return wait.WebDriverWait(self.driver, PATIENCE, 0.2).until(
            lambda _: look(), f'{what}: not after {PATIENCE} s')

    def bars(self, name: str) -> list[dict[str, Any]]:
        """Return the bars of the image of that name in the table."""
        found: list[dict[str, Any]] = self.driver.execute_script(_BARS, name)
        return found

    def row(self, name: str) -> str:
        """Return the text of the row with a cell that says so, or ''."""
        return str(self.driver.execute_script(_ROW, name))

    def asked(self, seconds: float) -> list[str]:
        """Return the requests that the page makes in the next seconds."""
        now = self.driver.execute_script('return performance.now()')
        time.sleep(seconds)
        found: list[str] = self.driver.execute_script(_ASKED, now)
        return found

    def complaints(self) -> list[str]:
        """Return the errors that the page has logged.

        Horizon asks for names of projects that its user may not know, and in
        its dialog it does not expect that something is not allowed.
        """
        usual = ('/api/keystone/projects/',
                 'Possibly unhandled rejection: undefined')
        return [each['message'] for each in self.driver.get_log('browser')
                if each['level'] == 'SEVERE'
                and not any(part in each['message'] for part in usual)]

    def picture(self, name: str) -> None:
        """Take a picture for the documentation, if that is wanted."""
        if directory := os.environ.get('GLANCE_PROGRESS_PICTURES'):
            time.sleep(1)  # bars move as slowly as Bootstrap has them
            self.driver.save_screenshot(
                str(pathlib.Path(directory) / f'{name}.png'))
