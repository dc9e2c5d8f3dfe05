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

"""Prints "N passed, N failed, N skipped" of subunit streams, added up.

    python -m tools.sum_results [--passed N] [--failed N] FILE...

Each file is what ``stestr last --subunit`` gives of one run. A file that is
missing or has no test in it counts as a failure: its runner did not get so
far. The options are for checks that no runner counts. The exit status is 1
when anything has failed.
"""

from __future__ import annotations

import argparse
import collections
import pathlib
import sys
from typing import Any

import subunit
import testtools

_COUNTS_AS = {'success': 'passed', 'xfail': 'passed', 'skip': 'skipped'}


def count(path: pathlib.Path) -> collections.Counter[str]:
    """Return how often each outcome stands in the stream in *path*."""
    counts: collections.Counter[str] = collections.Counter()

    def add(test: dict[str, Any]) -> None:
        # What was started and never ended has status "inprogress".
        counts[_COUNTS_AS.get(test['status'], 'failed')] += 1

    if path.exists():
        result = testtools.StreamToDict(add)
        result.startTestRun()
        with path.open('rb') as stream:
            subunit.ByteStreamToStreamResult(
                stream, non_subunit_name='output').run(result)
        result.stopTestRun()
    return counts or collections.Counter(failed=1)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument('--passed', type=int, default=0)
    parser.add_argument('--failed', type=int, default=0)
    parser.add_argument('files', nargs='*', type=pathlib.Path)
    args = parser.parse_args()
    total = collections.Counter(passed=args.passed, failed=args.failed)
    for path in args.files:
        total += count(path)
    print('%d passed, %d failed, %d skipped'
          % (total['passed'], total['failed'], total['skipped']))
    return 1 if total['failed'] else 0


if __name__ == '__main__':
    sys.exit(main())
