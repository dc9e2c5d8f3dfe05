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

"""The findings on image locations as oslo.upgradecheck shows results."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
import textwrap
from typing import Any

from oslo_upgradecheck import upgradecheck

from glance_progress.locations import finding

_WIDTH = 72


class Checks(upgradecheck.UpgradeCommands):
    """The findings, each kind of them a check."""

    display_title = 'Image Location Check Results'

    def __init__(
        self, found: Sequence[finding.Finding],
        not_given: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._found = found
        self._not_given = not_given

    def _result(
        self, *codes: str, otherwise: str | None = None
    ) -> upgradecheck.Result:
        found = [finding for finding in self._found if finding.code in codes]
        if not found:
            return upgradecheck.Result(upgradecheck.Code.SUCCESS, otherwise)
        return upgradecheck.Result(
            upgradecheck.Code(max(finding.severity for finding in found)),
            ' '.join('%s.' % finding.what for finding in found))

    def explain(self) -> str:
        """Return what each finding leads to, and what to do about it.

        The table folds its text, and lines of configuration must stay lines.
        """
        return '\n\n'.join(
            '\n'.join(
                line if line.startswith(' ') else textwrap.fill(
                    line, _WIDTH, subsequent_indent='  ')
                for line in str(finding).splitlines())
            for finding in self._found)

    def _registration(self) -> upgradecheck.Result:
        return self._result(
            'old-location-call-refused', 'location-api-missing')

    def _service_token(self) -> upgradecheck.Result:
        missing = ' and '.join(
            '--%s-conf' % name for name in self._not_given)
        return self._result(
            'service-token-missing', 'service-role-not-accepted',
            otherwise=missing and 'Not checked without %s.' % missing or None)

    def _exposure(self) -> upgradecheck.Result:
        return self._result(
            'multiple-locations-needless', 'location-policies-open',
            'location-policies-unverified')

    _upgrade_checks = (
        ('Locations can be registered', _registration),
        ('Service token', _service_token),
        ('Locations are not exposed', _exposure),
    )

    def document(self) -> dict[str, Any]:
        """Return what oslo.upgradecheck prints as JSON, and the findings."""
        checks = []
        for name, method in self._upgrade_checks:
            result = method(self)
            checks.append({'check': name, 'result': int(result.code),
                           'details': result.details})
        return {'name': self.display_title, 'checks': checks,
                'findings': [dataclasses.asdict(f) for f in self._found]}
