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

"""What came of an action on one side."""

from __future__ import annotations

import dataclasses
import time


@dataclasses.dataclass
class Outcome:
    """Times are by time.monotonic(), in seconds."""

    begin: float = dataclasses.field(default_factory=time.monotonic)
    end: float = 0.0
    #: When the last call that brings data ended.
    called: float = 0.0
    image_id: str | None = None
    #: What the calls that bring data were answered, 0 for none.
    statuses: list[int] = dataclasses.field(default_factory=list)
    #: Of the calls that bring data, as far as they were answered.
    request_ids: list[str] = dataclasses.field(default_factory=list)
    #: Whether each such call was answered.
    all_answered: bool = True
    #: As Glance says at the end: 'active', 'queued' ...; 'deleted'.
    status: str = 'none'
    stores: tuple[str, ...] = ()
    #: 'active', 'refused', or why it is neither: 'failed', 'partly' where not
    #: all stores have it, 'not begun' where Nova could not.
    result: str = 'none'
    #: What is to be in Ceph.
    sha512: str | None = None
    trouble: str = ''

    def __str__(self) -> str:
        return '%s, %s in %s, answered %s, image %s%s' % (
            self.result, self.status, ' and '.join(self.stores) or 'no store',
            self.statuses, self.image_id,
            self.trouble and ' (%s)' % self.trouble)

    def answered(self, status: int, headers: object = None) -> None:
        """Note the answer to a call that brings data."""
        self.called = time.monotonic()
        self.statuses.append(status)
        request_id = headers and headers.get('x-openstack-request-id')
        if request_id:
            self.request_ids.append(request_id)
        else:
            self.all_answered = False
