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

"""Bring the one-machine cloud up and down.

The tests of lanes other than `cloud` have services of their own.
"""

from __future__ import annotations

import argparse
import pathlib
import signal
import sys

import allinone
from allinone.openstack import cloud
from allinone import service


def main() -> int:
    """Do what the command line says, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog='tools/run-cloud.sh', description=__doc__)
    parser.add_argument('action', choices=('up', 'down', 'status', 'logs'))
    parser.add_argument('--directory', type=pathlib.Path,
                        default=allinone.home() / 'cloud',
                        help='where it keeps its files (%(default)s)')
    parser.add_argument('--dashboard', type=pathlib.Path, metavar='VENV',
                        help='have Horizon as well, from this environment')
    args = parser.parse_args()
    # So that a kill takes everything down as an interrupt does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    machine = cloud.Cloud(
        args.directory, pathlib.Path(sys.prefix), args.dashboard)
    try:
        result = getattr(machine, args.action)()
    except service.ServiceError as exc:
        print(exc, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 1 if result is False else 0


if __name__ == '__main__':
    sys.exit(main())
