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

"""What Ceph holds, against what was sent."""

from __future__ import annotations

import hashlib

import rbd

from tests.chaos import cloud
from tests.chaos import outcome
from tests.chaos import snapshots
from tests.chaos import violations


def check(side: cloud.Side, came: outcome.Outcome, pools: snapshots.Pools,
          found: violations.Violations, what: str) -> None:
    """Read an active image from each store that Glance says has it."""
    for store in came.stores:
        found.checked('hashes')
        try:
            with pools.pool(side.pools[store]) as ioctx, rbd.Image(
                    ioctx, came.image_id, snapshot='snap',
                    read_only=True) as image:
                content = image.read(0, image.size())
        except rbd.Error as exc:
            found.add('hashes', '%s: %s in %s: %s' % (
                side.name, what, store, exc))
            continue
        if hashlib.sha512(content).hexdigest() != came.sha512:
            found.add('hashes', '%s: %s: %d other bytes in %s' % (
                side.name, what, len(content), store))
