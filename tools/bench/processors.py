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

"""Processor time of what a benchmark has started, by program.

Other work on a machine makes everything take longer, and hardly changes this.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import resource
import statistics

import psutil

#: What has come to its end: clients.
ENDED = 'client'

Seconds = Mapping[str, float]


def used(before: Seconds | None = None) -> dict[str, float]:
    """Return the seconds that each program has used, since *before* if given.

    Those that have ended are taken together, as ENDED.
    """
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = {ENDED: ended.ru_utime + ended.ru_stime}
    for process in psutil.Process().children(recursive=True):
        times, name = process.cpu_times(), process.name()
        seconds[name] = seconds.get(name, 0.0) + times.user + times.system
    return {name: value - (before or {}).get(name, 0.0)
            for name, value in seconds.items()}


def median(runs: Sequence[Seconds]) -> dict[str, float]:
    """Return the median of what each program has used in several runs."""
    return {name: statistics.median(run[name] for run in runs)
            for name in runs[0]}


def words(seconds: Seconds) -> str:
    """Return who has used how much, in a line."""
    return '%.1f s of the processors (%s)' % (
        sum(seconds.values()), ', '.join(
            '%s %.1f' % each for each in sorted(
                seconds.items(), key=lambda each: -each[1])
            if each[1] >= 0.05))
