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

"""The results, as oslo.upgradecheck shows them."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
from typing import Any

from oslo_upgradecheck import upgradecheck

from glance_progress.locations import finding


class Table(upgradecheck.UpgradeCommands):
    """Checks that have been done.

    :param results: name and result of each
    """

    display_title = 'Glance Progress Check Results'

    def __init__(self, results: Sequence[tuple[str, Any]]) -> None:
        super().__init__()
        self._results = results
        self._upgrade_checks = tuple(
            (name, _returning(result)) for name, result in results)

    @property
    def worst(self) -> int:
        """The exit status."""
        return max(int(result.code) for _, result in self._results)

    def document(self, found: Sequence[finding.Finding]) -> dict[str, Any]:
        """Return what oslo.upgradecheck prints as JSON, and *found*."""
        return {
            'name': self.display_title,
            'checks': [{'check': name, 'result': int(result.code),
                        'details': result.details}
                       for name, result in self._results],
            'findings': [dataclasses.asdict(each) for each in found]}


def _returning(result: Any) -> Any:
    return lambda commands: result
