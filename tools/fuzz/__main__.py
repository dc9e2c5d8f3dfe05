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

"""Feeds the product what nobody vouches for, and says what came of it.

    python -m tools.fuzz [--cases N] [--seed N] [TARGET...]

In an environment with Glance. It ends with an error at the first case that
raises, that is answered with 5xx, or that takes longer than half a second;
and when the process has grown.
"""

from __future__ import annotations

import argparse
import logging
import sys

from tools.fuzz import api
from tools.fuzz import feeding
from tools.fuzz import options
from tools.fuzz import records
from tools import names

#: All targets, by name.
TARGETS = {'records': records.records, 'protocol': records.protocol,
           'options': options.options, 'paste': options.paste,
           'requests': api.requests}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog='tools.fuzz', description=(__doc__ or '').splitlines()[0])
    parser.add_argument('--cases', type=int, default=1000, metavar='N')
    parser.add_argument('--seed', type=int, default=0, metavar='N')
    names.add(parser, 'target', TARGETS)
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    for name in args.targets or TARGETS:
        target = TARGETS[name]()
        sys.excepthook = sys.__excepthook__  # oslo.log's says nothing now
        outcome = feeding.feed(target, args.cases, args.seed)
        print('%s: %d cases in %.0f s, the slowest %.3f s; %.1f MiB after a '
              'tenth of them, %.1f MiB at the end' % (
                  name, outcome.cases, outcome.seconds, outcome.slowest,
                  outcome.warm / 2 ** 20, outcome.resident / 2 ** 20),
              flush=True)


if __name__ == '__main__':
    main()
