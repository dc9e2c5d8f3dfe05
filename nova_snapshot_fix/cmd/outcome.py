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


"""Exit statuses of ``nova-snapshot-fix``."""

from __future__ import annotations

from nova_snapshot_fix.cmd import report
from nova_snapshot_fix import finding as findings

DONE = 0
#: There is more: --max-count was reached.
MORE = 1
#: check, repair --dry-run: some servers are off the rule.
OFF = 2
#: Some could not be repaired or judged, or were busy: run it again.
LEFT = 3
INVALID = 127
#: Something failed that should not.
ERROR = 255


def of(told: report.Report) -> int:
    """Return the status that what was found amounts to."""
    if not told.complete:
        return MORE
    if told.counts[findings.State.OFF.value]:
        return OFF
    left = (findings.State.BUSY, findings.State.FAILED)
    if any(told.counts[state.value] for state in left) or told.unanswered:
        return LEFT
    return DONE
