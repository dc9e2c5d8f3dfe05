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

"""Asks the Image API again and again, beside the scrapes.

A scrape has what was answered last, at once: it waits for nobody, and however
many scrape, the Image API is asked as often as before.
"""

from __future__ import annotations

from collections.abc import Callable
import threading
import time
from typing import Generic
from typing import TypeVar

from keystoneauth1 import exceptions
from oslo_log import log as logging

from glance_progress import client
from glance_progress.metrics import account
from glance_progress import warning

LOG = logging.getLogger(__name__)

T = TypeVar('T')

# What each kind of error is called. The first that fits.
_ERRORS = (
    (client.NoProgressApi, 'no_extension'),
    (exceptions.Unauthorized, 'unauthorized'),
    (exceptions.Forbidden, 'forbidden'),
    (exceptions.ConnectTimeout, 'timeout'),
    (exceptions.ConnectionError, 'unreachable'),
    (exceptions.EndpointNotFound, 'no_endpoint'),
    (exceptions.HttpError, 'http_error'),
)
_OTHER = 'other'

_ADVICE = {
    'no_extension': 'name its router in glance-api-paste.ini',
    'unauthorized': 'correct the account that --os-cloud names',
    'forbidden': 'give the account the role admin',
    'no_endpoint': 'see the region, and the catalog of Keystone',
}

_fault = warning.Hourly(LOG)


class Poll(Generic[T]):
    """Asks, and keeps the answer for as long as it is true enough.

    :param ask: returns an answer, or raises
    :param interval: seconds between two askings

    :ivar errors: how many askings have failed, by kind of error
    :ivar seconds: that the last asking took; None before
    :ivar succeeded_at: when the last answer came, in seconds since the epoch;
        None before
    """

    def __init__(self, ask: Callable[[], T], interval: float) -> None:
        self._ask = ask
        self._interval = interval
        # One that takes longer is as good as none.
        self._fresh = 3 * (interval + account.TIMEOUT)
        self._known: tuple[float, T] | None = None
        self._failing = False
        self.errors = {**{name: 0 for _, name in _ERRORS}, _OTHER: 0}
        self.seconds: float | None = None
        self.succeeded_at: float | None = None

    def start(self) -> None:
        """Ask from now on, to the end of the process."""
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def answer(self) -> T | None:
        """What was answered; None while the last asking has failed."""
        known = self._known
        if known is None or time.monotonic() - known[0] > self._fresh:
            return None
        return known[1]

    def once(self) -> None:
        """Ask, and take note of what comes of it."""
        started = time.monotonic()
        try:
            answer = self._ask()
        except Exception as exc:
            self._known = None
            self._failed(exc)
        else:
            self._known = (time.monotonic(), answer)
            self.succeeded_at = time.time()
            if self._failing:
                LOG.info('The Image API answers again.')
            self._failing = False
        self.seconds = time.monotonic() - started

    def _run(self) -> None:
        while True:
            started = time.monotonic()
            self.once()
            # Nobody is asked without a pause, however long he takes.
            time.sleep(max(1.0, self._interval
                           - (time.monotonic() - started)))

    def _failed(self, exc: Exception) -> None:
        kind = next((name for of_kind, name in _ERRORS
                     if isinstance(exc, of_kind)), _OTHER)
        self.errors[kind] += 1
        if not isinstance(exc, (
                client.ProgressError, exceptions.ClientException)):
            _fault.say('What the Image API answers is not understood.',
                       exc=exc)
        elif not self._failing:
            LOG.warning(
                'The Image API does not tell: %s%s', warning.reason(exc),
                '; ' + _ADVICE[kind] if kind in _ADVICE else '')
        self._failing = True
