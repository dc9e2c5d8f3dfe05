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

"""A web server on loopback that has the content of every action."""

from __future__ import annotations

import time

from tests.chaos import plan
from tests.unit import web

PIECE = 512 * 1024


class Downloads:
    """Serves /SEED/NUMBER as long as it is open."""

    def __init__(self, port: int) -> None:
        #: number -> plan
        self.plans: dict[int, plan.Plan] = {}
        self._server = web.Server(self._answer, port, ('GET', 'HEAD'))
        self._server.setUp()
        self.url = self._server.url

    def _answer(self, request: web.Request) -> None:
        planned = self.plans[int(request.path.rpartition('/')[2])]
        content = planned.content()
        request.send_response(200)
        request.send_header('Content-Length', str(len(content)))
        request.end_headers()
        try:
            for at in range(0, len(content), PIECE):
                request.wfile.write(content[at:at + PIECE])
                time.sleep(planned.pause)
        except OSError:
            pass  # who asked was killed

    def url_of(self, planned: plan.Plan) -> str:
        self.plans[planned.number] = planned
        return '%s/%d' % (self.url, planned.number)

    def close(self) -> None:
        self._server.cleanUp()
