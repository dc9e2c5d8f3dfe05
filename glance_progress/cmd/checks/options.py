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

"""Whether the options of this package are ones that glance-api starts with."""

from __future__ import annotations

from typing import Any

from glance_progress.cmd.checks import subject
from glance_progress.cmd.checks import verdict
from glance_progress import opts

NAME = 'Options of [glance_progress]'


def wrong(conf: Any) -> str | None:
    """Return what is wrong with them; None if nothing is."""
    try:
        opts.check(conf)
    except ValueError as exc:
        return str(exc)
    return None


def check(about: subject.Subject) -> Any:
    """Fail where glance-api, or the store, would refuse to start."""
    if about.wrong is None:
        return verdict.of(verdict.SUCCESS)
    return verdict.of(
        verdict.FAILURE, 'glance-api does not start: %s' % about.wrong)
