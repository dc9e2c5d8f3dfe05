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

"""Files that hold passwords and keys."""

from __future__ import annotations

import pathlib


def write_private(path: pathlib.Path, text: str) -> None:
    """Write a file for its owner alone, as a whole or not at all."""
    new = path.with_name(f'{path.name}.new')
    new.unlink(missing_ok=True)  # a broken attempt's
    new.touch(mode=0o600)
    new.write_text(text)
    new.replace(path)
