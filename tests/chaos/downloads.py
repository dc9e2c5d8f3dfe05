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

import http.server
import threading
import time
from typing import Any

from tests.chaos import plan

PIECE = 512 * 1024


class Downloads:
    """Serves /SEED/NUMBER as long as it is open."""

    def __init__(self, port: int) -> None:
        self.url = 'http://127.0.0.1:%d' % port
        #: number -> plan
        self.plans: dict[int, plan.Plan] = {}
        plans = self.plans

        class Handler(http.server.BaseHTTPRequestHandler):

            def do_GET(handler) -> None:
                planned = plans[int(handler.path.rpartition('/')[2])]
                content = planned.content()
                handler.send_response(200)
                handler.send_header('Content-Length', str(len(content)))
                handler.end_headers()
                try:
                    for at in range(0, len(content), PIECE):
                        handler.wfile.write(content[at:at + PIECE])
                        time.sleep(planned.pause)
                except OSError:
                    pass  # who asked was killed

            do_HEAD = do_GET

            def log_message(self, *args: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(
            ('127.0.0.1', port), Handler)
        threading.Thread(
            target=self._server.serve_forever, daemon=True).start()

    def url_of(self, planned: plan.Plan) -> str:
        self.plans[planned.number] = planned
        return '%s/%d' % (self.url, planned.number)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
