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


"""The report of ``nova-snapshot-fix``, as JSON, and its exit status."""

from __future__ import annotations

import collections
import dataclasses
import json
import sys
import types
from typing import Any
from typing import TextIO

from nova_snapshot_fix import inventory

VERSION = 2

# Exit statuses.
DONE = 0
#: There is more: --max-count was reached.
MORE = 1
#: check, repair --dry-run: some servers are inconsistent.
INCONSISTENT = 2
#: Another run may do or tell more.
LEFT = 3
INVALID = 127
#: Something failed that should not.
ERROR = 255


class Report:
    """Counts what was found, and writes it to a file if there is one.

    A context manager: whatever ends the run, what has been written is one
    JSON object. Nothing but counts is kept in memory.

    :param path: of the file; ``-`` is standard output, None for no file
    :raises OSError: if the file cannot be written
    """

    def __init__(self, path: str | None, command: str) -> None:
        self.counts: collections.Counter[inventory.State] = (
            collections.Counter())
        self.instances = 0
        self.complete = False
        #: By cell, why it could not be looked at.
        self.errors: dict[str, str] = {}
        self._again = False
        self._file: TextIO | None = None
        self._separator = ''
        if path == '-':
            self._file = sys.stdout
        elif path is not None:
            self._file = open(path, 'w', encoding='utf-8')
        self._write('{"version": %d, "command": %s, "instances": ['
                    % (VERSION, json.dumps(command)))

    def __enter__(self) -> Report:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self._write('\n], "summary": %s}\n' % json.dumps(self.summary()))
        if self._file not in (None, sys.stdout):
            self._file.close()

    def add(self, batch: inventory.Batch) -> None:
        self.instances += batch.instances
        if batch.error is not None:
            self.errors[batch.cell] = batch.error
        for finding in batch.findings:
            self.counts[finding.state] += 1
            self._again |= finding.again
            fields = dataclasses.asdict(finding)
            fields['state'] = finding.state.value
            self._write('%s\n%s' % (self._separator, json.dumps(fields)))
            self._separator = ','
        if self._file is not None:
            self._file.flush()

    def summary(self) -> dict[str, Any]:
        """Return the counts, and whether all selected were looked at."""
        return {'instances': self.instances,
                'complete': self.complete and not self.errors,
                'cells_failed': self.errors,
                **{state.value: self.counts[state]
                   for state in inventory.State}}

    @property
    def status(self) -> int:
        """The exit status that what was found amounts to."""
        if self.errors:
            return ERROR
        if not self.complete:
            return MORE
        if self.counts[inventory.State.INCONSISTENT]:
            return INCONSISTENT
        return LEFT if self._again else DONE

    def _write(self, text: str) -> None:
        if self._file is not None:
            self._file.write(text)
