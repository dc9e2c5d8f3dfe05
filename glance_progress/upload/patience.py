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

"""Asks again where a server has not answered, or not as it should."""

from __future__ import annotations

from collections.abc import Callable
import logging
import threading
import time
from typing import Any

from keystoneauth1 import exceptions

from glance_progress import client
from glance_progress.upload import reading

LOG = logging.getLogger(__name__)

_FIRST = 0.5
_LONGEST = 8.0


class Patience:
    """Waits, for as long as the user does.

    :param stopped: is set when the user has had enough
    """

    def __init__(self, stopped: threading.Event) -> None:
        self._stopped = stopped

    def wait(self, seconds: float) -> None:
        """Wait.

        :raises reading.Interrupted: when the user has had enough
        """
        if self._stopped.wait(seconds):
            raise reading.Interrupted

    def ask(self, call: Callable[[], Any]) -> Any:
        """Return what *call* returns, which asks for something small.

        A server that fails to answer is asked again for client.PATIENCE.

        :raises exceptions.ClientException: what it has failed with
        """
        deadline = time.monotonic() + client.PATIENCE
        pause = _FIRST
        while True:
            self.wait(0)
            try:
                return call()
            except exceptions.ClientException as exc:
                if not client.passes(exc) or time.monotonic() > deadline:
                    raise
                LOG.info('Trying again: %s', exc)
            self.wait(pause)
            pause = min(2 * pause, _LONGEST)
