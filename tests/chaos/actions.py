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

"""What users do: each action is done to both sides, in the same way."""

from __future__ import annotations

import hashlib
import http.client
import socket
import time
from typing import Any

import rbd
import requests

from tests.chaos import calls
from tests.chaos import downloads
from tests.chaos import outcome
from tests.chaos import plan
from tests.chaos import snapshots
from tests.functional import http_upload

#: Seconds in which what a call has begun has to end. An image whose worker was
#: killed never does.
DEADLINE = 100

#: Seconds after which what was accepted and has not begun will not begin.
GIVEN_UP = 60

PIECE = downloads.PIECE


class Action:
    """One action on one side.

    :param planned: what is to be done
    :param caller: who does it
    :param web: where downloads come from
    :param nova: Ceph, as Nova has it
    """

    def __init__(self, planned: plan.Plan, caller: calls.Caller,
                 web: downloads.Downloads, nova: snapshots.Pools) -> None:
        self.plan = planned
        self.caller = caller
        self._web = web
        self._nova = nova
        self.outcome = outcome.Outcome()
        content = planned.content()
        self._content = content
        if planned.kind == 'lie-low':
            self._content = content + bytes(100_000)
        self.outcome.sha512 = hashlib.sha512(content).hexdigest()

    @property
    def image_id(self) -> str:
        assert self.outcome.image_id is not None
        return self.outcome.image_id

    def create(self) -> None:
        """Make the image, which has no data yet."""
        more = {}
        if self.plan.kind == 'snapshot':
            more = {'image_type': 'snapshot'}
        answer = self.caller.ask(
            'POST', self.plan.host, '/v2/images', json={
                'disk_format': 'raw', 'container_format': 'bare', **more})
        answer.raise_for_status()
        self.outcome.image_id = answer.json()['id']

    def perform(self) -> outcome.Outcome:
        """Bring the data, and say what came of it."""
        try:
            getattr(self, '_' + self.plan.kind.replace('-', '_'))()
        except (OSError, http.client.HTTPException) as exc:
            # requests' are OSErrors; what became of it, Glance knows.
            self.outcome.trouble = '%s: %s' % (type(exc).__name__, exc)
            self.outcome.all_answered = False
        except rbd.Error as exc:
            # What Nova does in Ceph is neither ours nor Glance's.
            self.outcome.trouble = 'Nova: %s' % exc
        self._settle()
        self.outcome.end = time.monotonic()
        return self.outcome

    # ways in

    def _put(self) -> None:
        self._send(self._content, self.plan.size)

    _lie_low = _quota = _put

    def _put_chunked(self) -> None:
        self._send(self._content, None)

    _quota_chunked = _put_chunked

    def _import(self) -> None:
        self._send(self._content, self.plan.size, 'stage')
        # Another host would ask this one in the name of the user, with a
        # token, and there is no Keystone.
        self._call_import(self.plan.host, {
            'method': {'name': 'glance-direct'},
            'stores': list(self.plan.stores)})

    def _download(self) -> None:
        self._call_import(self.plan.host, {
            'method': {'name': 'web-download',
                       'uri': self._web.url_of(self.plan)},
            'stores': list(self.plan.stores)})

    def _copy(self) -> None:
        self._put()
        if self._wait('active') == 'active':
            self._call_import(self.plan.other_host, {
                'method': {'name': 'copy-image'}, 'stores': ['second']},
                self.caller.admin)

    def _snapshot(self) -> None:
        url = snapshots.make(
            self._nova, self.caller.side.pools['ceph'], self.image_id,
            self._content)
        answer = self.caller.once(
            'POST', self.plan.host, '/v2/images/%s/locations' % self.image_id,
            self.caller.service, json={'url': url})
        self.outcome.answered(answer.status_code, answer.headers)

    def _cut(self) -> None:
        upload = self._begin(self.plan.broken_size)
        try:
            upload.send(self.plan.broken_content()[:self.plan.broken_size
                                                   // 2])
            self._wait('saving')
        finally:
            upload.abandon()
        self.outcome.answered(0)
        self._again()

    def _lie_high(self) -> None:
        """Announce more than there is."""
        upload = self._begin(self.plan.broken_size)
        try:
            upload.send(self.plan.broken_content()[:-100_000])
            self._wait('saving')
            upload._peer.sock.shutdown(socket.SHUT_WR)
            upload.end()
        except (OSError, http.client.HTTPException):
            pass  # it need not say anything to one who has gone
        finally:
            upload.abandon()
        self.outcome.answered(0)
        self._again()

    def _expired(self) -> None:
        """Come with a token that Keystone calls invalid, then another."""
        expired = {**self.caller.member, 'X-Identity-Status': 'Invalid'}
        self._send(self.plan.broken_content(), self.plan.broken_size,
                   headers=expired)
        self._again()

    def _delete(self) -> None:
        upload = self._begin(self.plan.size)
        half = self.plan.size // 2
        try:
            upload.send(self._content[:half])
            self.caller.ask('DELETE', self.plan.other_host,
                            '/v2/images/' + self.image_id)
            upload.send(self._content[half:])
            upload.end()
        finally:
            upload.abandon()
        self.outcome.answered(0)

    # what they have in common

    def _again(self) -> None:
        """Upload once more, when Glance has seen that nothing came of it."""
        if self._wait('queued') == 'queued':
            self._put()

    def _begin(self, size: int | None, target: str = 'file',
               headers: dict[str, str] | None = None) -> http_upload.Upload:
        host = self.caller.side.hosts[self.plan.host]
        upload = http_upload.Upload(
            host.port, self.image_id, headers or self.caller.member, size,
            target)
        upload._peer.sock.settimeout(calls.PATIENCE)
        return upload

    def _send(self, content: bytes, size: int | None, target: str = 'file',
              headers: dict[str, str] | None = None) -> None:
        upload = self._begin(size, target, headers)
        try:
            try:
                for at in range(0, len(content), PIECE):
                    upload.send(content[at:at + PIECE])
                    time.sleep(self.plan.pause)
            except OSError:
                pass  # refused before all has come; the answer says why
            if upload._chunked:
                try:
                    upload._peer.send(b'0\r\n\r\n')
                except OSError:
                    pass
            with upload._peer.getresponse() as response:
                response.read()
                self.outcome.answered(response.status, response.headers)
        except (OSError, http.client.HTTPException):
            self.outcome.answered(0)
            raise
        finally:
            upload.abandon()

    def _call_import(self, host: str, body: dict[str, Any],
                     headers: dict[str, str] | None = None) -> None:
        try:
            answer = self.caller.once(
                'POST', host, '/v2/images/%s/import' % self.image_id,
                headers, json=body)
        except requests.RequestException:
            self.outcome.answered(0)
            raise
        self.outcome.answered(answer.status_code, answer.headers)

    def _wait(self, *statuses: str) -> str:
        """Wait until Glance says one of these, and return what it says."""
        while True:
            status = self.caller.image(
                self.image_id, self.plan.host)['status']
            if status in (*statuses, 'deleted', 'killed'):
                return status
            if self._too_late():
                return status
            time.sleep(0.2)

    def _too_late(self) -> bool:
        last = max(self.outcome.begin, self.outcome.called)
        return time.monotonic() - last > DEADLINE

    def _settle(self) -> None:
        """Wait until nothing goes on, and note what there is."""
        trying = not self.outcome.trouble and all(
            status in (0, 200, 202, 204) for status in self.outcome.statuses)
        while True:
            image = self.caller.image(self.image_id, self.plan.host)
            self.outcome.status = image['status']
            self.outcome.stores = tuple(sorted(
                store for store in image.get('stores', '').split(',')
                if store))
            if self._over(image, trying) or self._too_late():
                break
            time.sleep(0.3)
        self.outcome.result = self._result(image)

    def _over(self, image: dict[str, Any], trying: bool) -> bool:
        if image['status'] == 'active':
            going_on = (image.get('os_glance_importing_to_stores')
                        or image.get('os_glance_import_task'))
            return not going_on
        if image['status'] == 'deleted':
            return True
        if trying and image['status'] != 'queued':
            return False
        # It is told in time that it goes on, or will not.
        waits = GIVEN_UP if trying and 202 in self.outcome.statuses else 10
        return time.monotonic() - self.outcome.called > waits

    def _result(self, image: dict[str, Any]) -> str:
        if self.outcome.trouble.startswith('Nova'):
            return 'not begun'
        if self.plan.expected == 'refused':
            return ('refused' if image['status'] != 'active' else 'active')
        if image['status'] != 'active':
            return 'failed'
        wanted = {'copy': {'ceph', 'second'}, 'import': set(self.plan.stores),
                  'download': set(self.plan.stores)}.get(
                      self.plan.kind, {'ceph'})
        if not wanted <= set(self.outcome.stores):
            return 'partly'
        return 'active'
