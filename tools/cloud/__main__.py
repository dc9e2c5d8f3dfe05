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

"""Bring the one-machine services up and down by hand.

The tests have services of their own; these are for looking around.
"""

from __future__ import annotations

import argparse
import pathlib
import sys

from tools import cloud
from tools.cloud import machine
from tools.cloud import service


def main() -> int:
    """Do what the command line says; return the exit status."""
    parser = argparse.ArgumentParser(
        prog='python3 -m tools.cloud', description=__doc__)
    parser.add_argument('action', choices=('up', 'down', 'status', 'logs'))
    parser.add_argument('--directory', type=pathlib.Path,
                        default=cloud.home() / 'cloud')
    parser.add_argument('--venv', type=pathlib.Path,
                        default=cloud.home() / 'venv' / 'glance-2026.2',
                        help='virtual environment of Glance')
    args = parser.parse_args()
    services = machine.Machine(args.directory, args.venv)
    try:
        result = getattr(services, args.action)()
    except service.ServiceError as exc:
        print(exc, file=sys.stderr)
        return 1
    return 1 if result is False else 0


if __name__ == '__main__':
    sys.exit(main())
