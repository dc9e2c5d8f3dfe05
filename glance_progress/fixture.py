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

"""For tests of what uses this package: a process that holds nothing of it."""

from __future__ import annotations

import sys

import fixtures

from glance_progress.records import memcached
from glance_progress.records import publisher

# They need Glance or glance_store, and hold nothing if nobody has imported
# them.
_OTHERS = ('glance_progress.ceph.lookout', 'glance_progress.driver.register',
           'glance_progress.locations.guard',
           'glance_progress.records.reader')


class Process(fixtures.Fixture):
    """Begins and ends with a process that holds nothing.

    Without it, what was made first stays until the process ends: the client of
    memcached, the publisher, what was seen of records, which stores are
    metered, and the memory of which findings on image locations were logged.
    """

    def _setUp(self) -> None:
        self.reset()
        self.addCleanup(self.reset)

    def reset(self) -> None:
        """Forget what the process holds; the next use makes it anew."""
        publisher.reset()
        memcached.reset()
        for name in _OTHERS:
            if name in sys.modules:
                sys.modules[name].reset()

    def flush(self, timeout: float) -> bool:
        """Send all records; False when *timeout* seconds are over."""
        return publisher.flush(timeout)
