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

"""A user who watches an image, and holds each answer against the others."""

from __future__ import annotations

import random
import threading
import time

import requests

from tests.chaos import calls
from tests.chaos import cloud
from tests.chaos import faultlog
from tests.chaos import plan
from tests.chaos import story
from tests.chaos import violations

#: Faults in which a host answers late, or not at all, also without us.
SILENT = ('worker-kill', 'worker-stop', 'reload', 'osd-kill', 'osd-stop',
          'osd-cut', 'pool-full')


class Watcher(threading.Thread):
    """Looks at one image until it is told to stop, each time by any host."""

    def __init__(self, planned: plan.Plan, caller: calls.Caller,
                 image_id: str, faults: faultlog.FaultLog,
                 found: violations.Violations) -> None:
        super().__init__(daemon=True)
        self._plan = planned
        self._caller = caller
        self._image_id = image_id
        self._faults = faults
        self._found = found
        self._over = threading.Event()
        self._random = random.Random(planned.seed + ' watcher')
        self.story = story.Story(planned)
        self.slowest = 0.0
        self.looks = 0
        self._answers: list[str] = []
        self._begin = time.monotonic()
        #: How often an answer went back, and nobody could help it.
        self.excused = 0

    def stop(self) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.is_set():
            self.look()
            self._over.wait(self._random.uniform(0.05, 0.4))

    def look(self) -> None:
        host = self._random.choice(cloud.HOSTS)
        listed = self._random.random() < 0.1
        path = ('/v2/info/progress?limit=100' if listed
                else '/v2/images/%s/progress' % self._image_id)
        begin = time.monotonic()
        self._found.checked('answers')
        try:
            answer = self._caller.once('GET', host, path)
        except requests.RequestException as exc:
            self._silent(host, begin, str(exc))
            return
        took = time.monotonic() - begin
        self.looks += 1
        if answer.status_code >= 500:
            self._silent(host, begin, '%d %s' % (
                answer.status_code, answer.text))
            return
        if not self._explained(host, begin):
            self.slowest = max(self.slowest, took)
        if answer.status_code == 404 and self._plan.kind in (
                'delete', 'quota-chunked'):
            return
        if answer.status_code != 200:
            self._found.add('answers', '%s of %s at %s: %d %s' % (
                path, self._plan, host, answer.status_code, answer.text))
            return
        answers = answer.json()['images'] if listed else [answer.json()]
        for each in answers:
            self._found.checked('progress')
            brief = '%.2f %s %s' % (begin, host, _brief(each))
            for wrong in self.story.wrong(self._image_id, each):
                if wrong.startswith(story.BACK) and self._nobody_tells():
                    self.excused += 1
                    continue
                self._found.add('progress', '\n  '.join([
                    str(self._plan), *self._answers[-12:], brief, wrong,
                    *self._meanwhile()]))
            self._answers.append(brief)

    def _nobody_tells(self) -> bool:
        """Tell whether there may be no memcached server that knows all.

        One that was there all the time does, if others went and came back.
        So do these when a writer tells them again what it knows, if it lives
        and runs. Under eventlet it does neither while Ceph does not answer.
        """
        faults = self._faults.between(self._begin - 15, time.monotonic())
        gone = [fault for fault in faults
                if fault.kind.startswith('memcached')]
        if len({each for fault in gone for each in fault.what}) \
                == cloud.MEMCACHED:
            return True
        hosts = self._plan.host, self._plan.other_host
        return bool(gone) and any(
            fault.kind in SILENT and (
                fault.host in hosts if fault.host else 'old' in hosts)
            for fault in faults)

    def _meanwhile(self) -> list[str]:
        now = time.monotonic()
        return ['%.2f to %s: %s' % (
            fault.begin, fault.end and '%.2f' % fault.end, fault)
            for fault in self._faults.between(self._begin - 15, now)]

    def _explained(self, host: str, begin: float) -> bool:
        """Tell whether a fault explains that a host does not answer."""
        return any(
            fault.kind in SILENT and fault.host in (None, host)
            for fault in self._faults.between(begin - 5, time.monotonic()))

    def _silent(self, host: str, begin: float, what: str) -> None:
        if not self._explained(host, begin):
            self._found.add('answers', '%s, after %.1f s: %s' % (
                host, time.monotonic() - begin, what[:300]))


def _brief(answer: dict) -> str:
    return '%s %s %s%% %s; %s' % (
        answer['status'], answer['phase'], answer['percent'],
        answer['source'], ', '.join(
            '%s %s %s/%s %s%% #%s %s' % (
                store['store'], store['state'], store['bytes_written'],
                store['total_bytes'], store['percent'], store['sequence'],
                store['updated_at'])
            for store in answer['stores']))
