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

"""Shows findings, as a table or as JSON."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
import json

import prettytable

from glance_progress.cli import display
from glance_progress.leftovers import finding
from glance_progress.records import wire

VERSION = 1

_FIELDS = ('Kind', 'State', 'Image', 'Store', 'What', 'Why', 'Size', 'Since')


def as_table(found: Sequence[finding.Finding]) -> str:
    """Return findings as people read them."""
    table = prettytable.PrettyTable(_FIELDS)
    table.align = 'l'
    for each in found:
        table.add_row([
            each.kind, each.state, display.printable(each.image_id),
            each.store or '', display.printable(each.what), each.why,
            '' if each.size is None else display.size(each.size),
            '' if each.since is None else wire.iso(each.since) or ''])
    return str(table.get_string())


def as_json(found: Sequence[finding.Finding],
            done: Sequence[str] = ()) -> str:
    """Return findings as programs read them, and what was done."""
    return json.dumps({
        'version': VERSION, 'done': list(done),
        'findings': [each.describe() for each in found],
        'counts': counts(found)})


def counts(found: Sequence[finding.Finding]) -> dict[str, dict[str, int]]:
    """Return the number of findings by kind and state."""
    return _summed(found, lambda each: 1)


def sizes(found: Sequence[finding.Finding]) -> dict[str, dict[str, int]]:
    """Return the bytes of findings by kind and state, as far as known."""
    return _summed(found, lambda each: each.size or 0)


def _summed(
    found: Sequence[finding.Finding], value: Callable[[finding.Finding], int]
) -> dict[str, dict[str, int]]:
    summed: dict[str, dict[str, int]] = {
        kind: dict.fromkeys(states, 0)
        for kind, states in finding.STATES.items()}
    for each in found:
        summed[each.kind][each.state] += value(each)
    return summed
