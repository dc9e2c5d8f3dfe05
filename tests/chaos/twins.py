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

"""Whether ours did as well as stock did, action by action.

An action is compared by itself unless a fault hit it of which one side may
have had the luck: workers were killed, or went while they imported. Of those,
ours may fail alone as often as stock does, but for chance.
"""

from __future__ import annotations

import dataclasses
import math

from tests.chaos import faultlog
from tests.chaos import outcome
from tests.chaos import plan
from tests.chaos import violations

#: Faults that no side sees at the same point of its action.
LUCK = ('worker-kill', 'reload')

#: Such a difference, or a larger one, comes by chance so seldom.
CHANCE = 0.001


@dataclasses.dataclass
class Pair:
    """An action on both sides."""

    planned: plan.Plan
    ours: outcome.Outcome
    stock: outcome.Outcome


class Twins:
    """Compares pairs as they come."""

    def __init__(self, faults: faultlog.FaultLog,
                 found: violations.Violations) -> None:
        self._faults = faults
        self._found = found
        self.as_planned = 0
        self.by_luck = [0, 0]
        self.both_failed: list[str] = []
        self.stock_failed = 0

    def compare(self, pair: Pair) -> None:
        planned = pair.planned
        if 'not begun' in (pair.ours.result, pair.stock.result):
            return
        ours = pair.ours.result == planned.expected
        stock = pair.stock.result == planned.expected
        self._found.checked('stock')
        self.as_planned += ours
        faults = {fault.kind for fault in self._faults.between(
            min(pair.ours.begin, pair.stock.begin),
            max(pair.ours.end, pair.stock.end))}
        what = '%s\n  ours:  %s\n  stock: %s\n  faults: %s' % (
            planned, pair.ours, pair.stock, sorted(faults))
        if faults & set(LUCK):
            self.by_luck[0] += stock and not ours
            self.by_luck[1] += ours and not stock
        elif stock and not ours:
            self._found.add('stock', what)
        elif not stock and not ours:
            self.both_failed.append(what)
            if all(kind.startswith('memcached') for kind in faults):
                self._found.add('stock', 'nothing explains it: ' + what)
        elif ours and not stock:
            self.stock_failed += 1
        elif _answers_differ(planned, pair.ours, pair.stock):
            self._found.add('stock', 'other answers: ' + what)

    def conclude(self) -> None:
        """Judge what luck has had a part in."""
        ours_alone, stock_alone = self.by_luck
        both = ours_alone + stock_alone
        chance = sum(math.comb(both, number) for number
                     in range(ours_alone, both + 1)) / 2 ** both
        if chance < CHANCE:
            self._found.add('stock', 'where workers went, ours failed alone '
                            '%d times, stock %d' % (ours_alone, stock_alone))


def _answers_differ(planned: plan.Plan, ours: outcome.Outcome,
                    stock: outcome.Outcome) -> bool:
    """Tell whether the same call was answered otherwise.

    Who is refused while still sending may not come to read why; and who
    deletes while somebody sends, may come before or after.
    """
    return planned.kind != 'delete' and any(
        mine != other for mine, other in zip(ours.statuses, stock.statuses)
        if mine and other)
