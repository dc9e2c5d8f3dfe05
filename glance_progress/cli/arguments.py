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

"""What the arguments of the commands have in common."""

from __future__ import annotations

import argparse
from importlib import metadata
import sys
from typing import NoReturn

from glance_progress.cli import outcome


class Parser(argparse.ArgumentParser):
    """Ends with outcome.UNUSABLE where argparse would with 2, for stalled."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(outcome.UNUSABLE, '%s: error: %s\n' % (self.prog, message))


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add what each command takes that reads glance-api's configuration."""
    parser.add_argument(
        '--version', action='version',
        version=metadata.version('glance-progress'))
    parser.add_argument(
        '--config-file', action='append', metavar='FILE', default=[],
        help='a file of glance-api, may be repeated; default: where '
             'glance-api looks for its own')
    parser.add_argument(
        '--config-dir', action='append', metavar='DIR', default=[],
        help='a directory of *.conf files of glance-api')


def seconds(text: str) -> float:
    """Return the time span that *text* is."""
    value = float(text)
    if not 0 < value < float('inf'):
        raise argparse.ArgumentTypeError('%s is no time span' % text)
    return value
