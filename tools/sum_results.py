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

    python -m tools.sum_results [--passed N] [--failed NAME]... FILE...

Each file is what ``stestr last --subunit`` gives of one run. A file that is
missing or has no test in it counts as a failure: its runner did not get so
far. The options are for checks that no runner counts. Before the sum stands
what has failed and why, where one looks first. The exit status is 1 when
anything has failed.
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

#: Of each detail of a failure, so many lines are shown, the last ones, and of
#: each so many characters: who sees only the end of a run's output shall find
#: all of it there.
_LINES = 25
_WIDTH = 200


class Sum:
    """Adds up what came of all tests and checks.

    :ivar counts: how many have 'passed', 'failed' and been 'skipped'
    :ivar failures: of each failure its name and what is known of it
    """

    def __init__(self) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self.failures: list[tuple[str, str]] = []

    def passed(self, number: int) -> None:
        self.counts['passed'] += number

    def failed(self, name: str, why: str = '') -> None:
        self.counts['failed'] += 1
        self.failures.append((name, why))

    def add(self, path: pathlib.Path) -> None:
        """Add the tests of the stream in *path*."""
        before = sum(self.counts.values())
        if path.exists():
            result = testtools.StreamToDict(
                lambda test: self._add_test(path.stem, test))
            result.startTestRun()
            with path.open('rb') as stream:
                subunit.ByteStreamToStreamResult(
                    stream, non_subunit_name='output').run(result)
            result.stopTestRun()
        if sum(self.counts.values()) == before:
            self.failed(path.stem, 'no result of any test')

    def _add_test(self, run: str, test: Any) -> None:
        # What was started and never ended has status "inprogress".
        outcome = _COUNTS_AS.get(test['status'])
        if outcome:
            self.counts[outcome] += 1
        else:
            self.failed('%s: %s: %s' % (run, test['id'], test['status']),
                        '\n'.join(map(_tail, sorted(
                            test['details'].items(), key=_traceback_last))))


def _traceback_last(detail: tuple[str, Any]) -> bool:
    return detail[0].startswith('traceback')


def _tail(detail: tuple[str, Any]) -> str:
    name, content = detail
    if content.content_type.type != 'text':
        return '%s: %s' % (name, content.content_type)
    lines = [line[:_WIDTH] for line in content.as_text().splitlines()]
    return '\n'.join(['%s:' % name] + lines[-_LINES:])


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument('--passed', type=int, default=0, metavar='N')
    parser.add_argument('--failed', action='append', default=[],
                        metavar='NAME')
    parser.add_argument('files', nargs='*', type=pathlib.Path)
    args = parser.parse_args()
    total = Sum()
    total.passed(args.passed)
    for name in args.failed:
        total.failed(name)
    for path in args.files:
        total.add(path)
    for name, why in total.failures:
        print('--- FAILED %s\n%s' % (name, why))
    for name, _ in total.failures:
        print('failed:', name)
    print('%d passed, %d failed, %d skipped' % (
        total.counts['passed'], total.counts['failed'],
        total.counts['skipped']))
    return 1 if total.failures else 0


if __name__ == '__main__':
    sys.exit(main())
