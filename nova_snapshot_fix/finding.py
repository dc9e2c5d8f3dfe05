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


"""What there is to say of servers that are not simply right."""

from __future__ import annotations

import dataclasses
import enum


class State(enum.Enum):
    """What there is to say of an instance that is not simply right."""

    OFF = 'off'
    REPAIRED = 'repaired'
    BUSY = 'busy'
    UNJUDGED = 'unjudged'
    FAILED = 'failed'
    #: On the rule; what a rebuild remembered is not cleared away yet.
    LEFTOVER = 'leftover'


@dataclasses.dataclass(frozen=True)
class Finding:
    """An instance that is off the rule, or was, or cannot be judged.

    ``reason`` says why; ``source`` where the rest of the image metadata were
    restored from, if they were.
    """

    instance: str
    project_id: str | None
    cell: str
    image_ref: str | None
    state: State
    reason: str
    before: str | None
    after: str | None
    source: str | None = None


@dataclasses.dataclass
class Batch:
    """Some instances of a cell: how many, and those worth a word.

    ``handled`` are those that are off or have been repaired.
    """

    cell: str
    instances: int = 0
    handled: int = 0
    findings: list[Finding] = dataclasses.field(default_factory=list)
