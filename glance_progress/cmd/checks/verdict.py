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

"""Results of checks, as oslo.upgradecheck has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from oslo_upgradecheck import upgradecheck

SUCCESS = upgradecheck.Code.SUCCESS
#: It works, but badly.
WARNING = upgradecheck.Code.WARNING
#: glance-api will not start, or uploads or progress will not work.
FAILURE = upgradecheck.Code.FAILURE


def of(code: Any, details: str | None = None) -> Any:
    """Return one result."""
    return upgradecheck.Result(code, details)


def worst(found: Iterable[tuple[Any, str]], otherwise: str | None) -> Any:
    """Return a result for all that was *found*, as bad as the worst of it.

    :param otherwise: the details when there is nothing
    """
    found = sorted(found, key=lambda each: -each[0])
    if not found:
        return of(SUCCESS, otherwise)
    return of(found[0][0], ' '.join(text for _, text in found))
