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

"""Exit statuses of the commands that show progress.

A described record is a dictionary, as
:meth:`glance_progress.records.wire.Record.describe` returns it or as
glance-api answers it for a store: the commands end by the same rules, whether
they look into memcached or ask the API.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
import os
import signal
import sys
from typing import Any

from glance_progress.records import wire

FINISHED = 0
FAILED = 1
STALLED = 2
#: All is there, and not known to be what it was to be.
UNVERIFIED = 3
#: Could not look: wrong usage or configuration, or no memcached answers.
UNUSABLE = 255
INTERRUPTED = 128 + signal.SIGINT


def of(records: Sequence[dict[str, Any]]) -> int:
    """Return the exit status that described *records* amount to."""
    if any(r['state'] == wire.FAILED for r in records):
        return FAILED
    if any(r['stalled'] for r in records) or not records:
        return STALLED
    return FINISHED


def of_last_request(
    records: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return those of memcached's *records* that the newest request wrote."""
    last = max(records, key=lambda r: r['sequence'], default=None)
    return [r for r in records
            if last is not None and r['request_id'] == last['request_id']]


def failed_long_ago(records: Sequence[dict[str, Any]]) -> bool:
    """Tell whether memcached's *records* are of a failure that is no news.

    They have not moved for more than wire.OLD seconds then.
    """
    return (over(records) and of(records) == FAILED
            and all(r['age'] > wire.OLD for r in records))


def staged(records: Sequence[dict[str, Any]]) -> bool:
    """Tell whether described *records* are of an ended staging alone."""
    return bool(records) and all(
        r['store'] == wire.STAGING_STORE and r['state'] == wire.FINISHED
        for r in records)


def over(records: Sequence[dict[str, Any]]) -> bool:
    """Tell whether there are described *records*, and all have ended.

    What has stalled may go on. What is staged will be imported, so that this
    alone is no end.
    """
    return (bool(records) and not staged(records)
            and all(r['state'] != wire.UPLOADING for r in records))


def of_printing(
    command: Callable[[], int], closed: int = FINISHED
) -> int:
    """Run *command*, which prints, and return its exit status.

    :param closed: the exit status when whoever reads the output has seen
        enough, which is no failure
    """
    try:
        try:
            return command()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more at its end, and would say so.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return closed
