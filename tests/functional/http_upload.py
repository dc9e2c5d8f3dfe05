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

"""An upload over HTTP that goes on only as its test wants it to."""

from __future__ import annotations

import http.client


class Upload:
    """PUT /v2/images/{id}/file or /stage, piece by piece.

    :param port: of glance-api on loopback
    :param headers: identity and others
    :param size: what Content-Length announces; None sends chunks
    :param target: 'file' or 'stage'
    """

    def __init__(
        self, port: int, image_id: str, headers: dict[str, str],
        size: int | None, target: str = 'file',
    ) -> None:
        self._chunked = size is None
        self._peer = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
        self._peer.putrequest(
            'PUT', '/v2/images/%s/%s' % (image_id, target))
        for name, value in headers.items():
            self._peer.putheader(name, value)
        self._peer.putheader('Content-Type', 'application/octet-stream')
        if size is None:
            self._peer.putheader('Transfer-Encoding', 'chunked')
        else:
            self._peer.putheader('Content-Length', str(size))
        self._peer.endheaders()

    @property
    def address(self) -> tuple[str, int]:
        """The client's own address and port."""
        address: tuple[str, int] = self._peer.sock.getsockname()
        return address

    def send(self, content: bytes) -> None:
        if self._chunked:
            content = b'%x\r\n%b\r\n' % (len(content), content)
        self._peer.send(content)

    def end(self) -> int:
        """End the request and return the status of the answer."""
        if self._chunked:
            self._peer.send(b'0\r\n\r\n')
        with self._peer.getresponse() as response:
            response.read()
            return response.status

    def abandon(self) -> None:
        """Go away in the middle."""
        self._peer.close()
