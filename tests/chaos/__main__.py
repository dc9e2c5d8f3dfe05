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

"""Runs chaos, in a network namespace of its own: see tools/run-chaos.sh."""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

from tests.chaos import cloud
from tests.chaos import run


def main() -> int:
    """Return 0 if no invariant was violated, else 1."""
    parser = argparse.ArgumentParser(prog='tools/run-chaos.sh')
    parser.add_argument('--seed', type=int, default=int(time.time()),
                        help='repeats what a run has done; a new one is taken '
                        'otherwise, and printed')
    parser.add_argument('--seconds', type=float, default=600,
                        help='for which things fail, 600 by default')
    parser.add_argument('--report', type=pathlib.Path,
                        help='file for the figures, as JSON')
    parser.add_argument('--keep', action='store_true',
                        help='keep the logs of all services')
    args = parser.parse_args()
    faulthandler.enable()
    faulthandler.dump_traceback_later(args.seconds + 1200, exit=True)
    # So that all services end with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print('seed %d' % args.seed, flush=True)
    directory = pathlib.Path(tempfile.mkdtemp(prefix='gp-chaos.'))
    try:
        with cloud.Cloud(directory) as clouds:
            signal.signal(signal.SIGTERM, lambda *_: _end_now(
                clouds, None if args.keep else directory))
            chaos = run.Run(clouds, args.seed, args.seconds)
            chaos.go()
    finally:
        if args.keep:
            print('logs are in %s' % directory)
        else:
            shutil.rmtree(directory, ignore_errors=True)
    report = chaos.report()
    if args.report:
        args.report.write_text(json.dumps(report, indent=1))
    say = {name: value for name, value in report.items()
           if name not in ('rest', 'violations')}
    print(json.dumps(say, indent=1))
    for invariant, found in report['violations'].items():
        print('%s: %d violations' % (invariant, len(found)))
    print('seed %d: %d violations' % (
        args.seed, sum(map(len, report['violations'].values()))))
    return 1 if report['violations'] else 0


def _end_now(clouds: cloud.Cloud, directory: pathlib.Path | None) -> None:
    """End all services and this process, whatever its threads wait for.

    :param directory: what to remove, if anything
    """
    # Who ends a whole group of processes may say it more than once.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        clouds.close()
        if directory is not None:
            shutil.rmtree(directory, ignore_errors=True)
    finally:
        os._exit(143)


if __name__ == '__main__':
    sys.exit(main())
