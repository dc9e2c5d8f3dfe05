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

"""What is checked: files, and what may be asked."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

OFFLINE = 'Not checked with --offline.'


@dataclasses.dataclass(frozen=True)
class Subject:
    """A glance-api that is to be started.

    :param conf: its options, loaded, with those of its stores
    :param args: what the command was told
    :param wrong: what is wrong with the options of this package; then checks
        that need them are not run
    """

    conf: Any
    args: argparse.Namespace
    wrong: str | None = None

    @property
    def offline(self) -> bool:
        """Whether nothing may be talked to."""
        return bool(self.args.offline)
