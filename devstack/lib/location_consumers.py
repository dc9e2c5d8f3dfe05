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

"""Prints what [glance_progress] location_consumers should say.

    location_consumers.py [nova=VERSION] [cinder=VERSION]

Run it where Glance and glance-progress are installed. A version as of a
checkout without tags (0.0.1) is taken for unknown.
"""

from __future__ import annotations

import re
import sys

from glance_progress.locations import facts
from glance_progress.locations import releases


def caller(text: str) -> facts.Caller:
    project, _, version = text.partition('=')
    found = re.match(r'(\d+)\.', version)
    release = int(found[1]) if found else 0
    return facts.Caller(project, release if release > 10 else None)


def main(arguments: list[str]) -> str:
    glance = facts.Glance(
        direct_url=True, multiple_locations=True,
        release=releases.installed_glance())
    callers: list[facts.Caller | None] = [
        caller(text) for text in arguments] or [None]
    made = set().union(*(
        facts.possible_calls(glance, each) for each in callers))
    return made.pop() if len(made) == 1 else facts.MIXED


if __name__ == '__main__':
    print(main(sys.argv[1:]))
