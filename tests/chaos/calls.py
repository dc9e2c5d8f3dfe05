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

"""Requests to a side's hosts, asked again where a worker has just gone."""

from __future__ import annotations

import time
from typing import Any
import uuid

from allinone.daemons import glance
import requests

from tests.chaos import cloud

#: Seconds for one answer. A host may stand still for that long, but not
#: longer.
PATIENCE = 180

#: Seconds for one of several tries.
ONE_TRY = 60


class Caller:
    """Somebody in a project of their own, who asks one side.

    :param side: whose hosts are asked
    """

    def __init__(self, side: cloud.Side) -> None:
        self.side = side
        self.project = uuid.uuid4().hex
        self.member = glance.identity_headers(self.project, 'member')
        self.admin = glance.identity_headers(self.project, 'admin')
        self.service = glance.identity_headers(
            self.project, 'admin', 'service')

    def once(self, method: str, host: str, path: str,
             headers: dict[str, str] | None = None,
             **kwargs: Any) -> requests.Response:
        """Ask once.

        :raises RequestException: if nothing is answered
        """
        kwargs.setdefault('timeout', PATIENCE)
        return requests.request(
            method, self.side.hosts[host].url + path,
            headers={**(headers or self.member)}, **kwargs)

    def ask(self, method: str, host: str, path: str,
            headers: dict[str, str] | None = None,
            **kwargs: Any) -> requests.Response:
        """Ask until there is an answer, as clients do that try again.

        :raises RequestException: if there is none for a long time
        """
        until = time.monotonic() + 2 * PATIENCE
        kwargs.setdefault('timeout', ONE_TRY)
        while True:
            try:
                answer = self.once(method, host, path, headers, **kwargs)
                if answer.status_code < 500 or time.monotonic() > until:
                    return answer
            except requests.RequestException:
                if time.monotonic() > until:
                    raise
            time.sleep(0.2)

    def image(self, image_id: str, host: str) -> dict[str, Any]:
        """Return the image, {'status': 'deleted'} if it is not there."""
        answer = self.ask('GET', host, '/v2/images/' + image_id)
        return (answer.json() if answer.status_code == 200
                else {'status': 'deleted'})
