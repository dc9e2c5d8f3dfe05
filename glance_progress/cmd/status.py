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

"""``glance-progress-status``: checks before glance-api is started."""

from __future__ import annotations

import sys

from glance_progress.cli import outcome


def main(argv: list[str] | None = None) -> int:
    try:
        from glance_progress.cmd.checks import run
    except ImportError as exc:
        # Python itself would end with 1, which stands for a warning.
        print('glance-progress-status: %s; run this in the virtual '
              'environment of Glance' % exc, file=sys.stderr)
        return outcome.UNUSABLE
    return outcome.of_printing(lambda: run.main(argv))


if __name__ == '__main__':
    sys.exit(main())
