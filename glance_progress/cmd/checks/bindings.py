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

"""Whether Glance's environment has the bindings of Ceph."""

from __future__ import annotations

from typing import Any

from glance_progress.ceph import bindings
from glance_progress.ceph import places
from glance_progress.cmd.checks import subject
from glance_progress.cmd.checks import verdict

NAME = 'Bindings of Ceph'


def check(about: subject.Subject) -> Any:
    """Fail where a store could not be used for want of them."""
    if not places.of(about.conf):
        return verdict.of(verdict.SUCCESS, 'No store is in Ceph.')
    missing = bindings.missing()
    if missing is None:
        return verdict.of(verdict.SUCCESS)
    return verdict.of(
        verdict.FAILURE, '%s. Nothing can be stored in Ceph.' % missing)
