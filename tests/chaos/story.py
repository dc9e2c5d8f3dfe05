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

"""What one image's progress may look like from one answer to the next."""

from __future__ import annotations

from typing import Any

from tests.chaos import plan

#: So begins what is right but for something that was said before.
BACK = 'goes back: '

_NO_ATTEMPT = None


class Story:
    """Holds each answer about an image against all before it.

    :param planned: what is done to the image
    """

    def __init__(self, planned: plan.Plan) -> None:
        self._plan = planned
        #: (store, sequence) -> (bytes written, percent), the most seen
        self._far: dict[tuple[str, int], tuple[int, float]] = {}
        #: (store, sequence) -> total
        self._totals: dict[tuple[str, int], int] = {}
        #: store -> newest sequence
        self._newest: dict[str, int] = {}
        #: (phase, attempts) -> percent, the most seen
        self._phases: dict[tuple[Any, ...], float] = {}
        self.request_ids: set[str] = set()

    def wrong(self, image_id: str, answer: dict[str, Any]) -> list[str]:
        """Take an answer, and return what is wrong with it."""
        found = []
        if answer['image_id'] != image_id:
            found.append('it is of image %s' % answer['image_id'])
        percent = answer['percent']
        if percent is not None and not 0 <= percent <= 100:
            found.append('%s percent' % percent)
        if percent == 100 and answer['phase'] != 'done':
            found.append('100 percent in phase %s' % answer['phase'])
        attempts = []
        for store in answer['stores']:
            found += self._wrong_store(store)
            attempts.append((store['store'], store['sequence']))
        if percent is not None:
            place = (answer['phase'], answer['source'], tuple(attempts))
            if percent < self._phases.get(place, 0):
                found.append(
                    BACK + 'percent of phase %s falls from %s to %s' % (
                        answer['phase'], self._phases[place], percent))
            self._phases[place] = max(
                percent, self._phases.get(place, 0))
        failure = answer['last_failure']
        if failure and failure['request_id']:
            self.request_ids.add(failure['request_id'])
        return found

    def _wrong_store(self, store: dict[str, Any]) -> list[str]:
        name, sequence = store['store'], store['sequence']
        written, total = store['bytes_written'], store['total_bytes']
        percent = store['percent']
        if store['request_id']:
            self.request_ids.add(store['request_id'])
        found = []
        if percent is not None and not 0 <= percent <= 100:
            found.append('%s: %s percent' % (name, percent))
        if percent == 100 and store['state'] != 'finished':
            found.append('%s: 100 percent, %s' % (name, store['state']))
        if None not in (written, total) and written > total:
            found.append('%s: %d of %d bytes' % (name, written, total))
        if written is not None and written > max(self._sizes):
            found.append('%s: %d bytes of %s' % (name, written, self._sizes))
        if total is not None and not store['measured_by'] \
                and total not in self._sizes:
            found.append('%s: a total of %d, not of %s' % (
                name, total, self._sizes))
        if sequence is _NO_ATTEMPT:
            return found
        if sequence < self._newest.get(name, 0):
            found.append(BACK + '%s: back to attempt %d from %d' % (
                name, sequence, self._newest[name]))
        self._newest[name] = max(sequence, self._newest.get(name, 0))
        attempt = name, sequence
        far, most = self._far.get(attempt, (0, 0.0))
        if written is not None and written < far:
            found.append(BACK + '%s: bytes fall from %d to %d' % (
                name, far, written))
        # What Glance refuses after the store has finished has failed, and 100
        # is said of nothing that has.
        if store['state'] == 'failed':
            most = min(most, 99.9)
        if percent is not None and percent < most:
            found.append(BACK + '%s: percent falls from %s to %s' % (
                name, most, percent))
        self._far[attempt] = max(far, written or 0), max(most, percent or 0)
        if total is not None and not store['measured_by']:
            if self._totals.setdefault(attempt, total) != total:
                found.append(
                    BACK + '%s: total of one attempt changes from %d to %d' % (
                        name, self._totals[attempt], total))
            found += self._wrong_order(name)
        return found

    @property
    def _sizes(self) -> list[int]:
        if self._plan.kind == 'lie-low':
            return [self._plan.size, self._plan.size + 100_000]
        return self._plan.sizes

    def _wrong_order(self, store: str) -> list[str]:
        """Say whether a later attempt has the size of an earlier one."""
        totals = [total for (name, _), total in sorted(self._totals.items())
                  if name == store]
        places = [self._sizes.index(total) for total in totals
                  if total in self._sizes]
        return [] if places == sorted(places) else [
            BACK + '%s: attempts with totals %s' % (store, totals)]
