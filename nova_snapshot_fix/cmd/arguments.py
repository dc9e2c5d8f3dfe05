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


"""The arguments of ``nova-snapshot-fix``."""

from __future__ import annotations

import argparse
from importlib import metadata
import sys
from typing import Any
from typing import NoReturn

from oslo_utils import uuidutils

from nova_snapshot_fix.cmd import report

_EPILOG = """
exit status:
  0    all servers are consistent, or have been healed, as far as can be told
  1    --max-count was reached: run it again
  2    check, repair --dry-run: some servers are inconsistent
  3    some were busy, or failed, or could be healed in part only, or Glance or
       Cinder did not answer: run it again
  127  wrong usage
  255  an error, or a cell whose database failed; what was healed stays healed
"""


class _Parser(argparse.ArgumentParser):

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(report.INVALID, '%s: error: %s\n' % (self.prog, message))


class _Version(argparse.Action):

    def __call__(self, parser: argparse.ArgumentParser, *args: Any) -> None:
        # Not before it is asked for: a tree that was not installed has none.
        print(metadata.version('glance-progress'))
        parser.exit()


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError('%s is not above 0' % text)
    return value


def _uuid(text: str) -> str:
    if not uuidutils.is_uuid_like(text):
        raise argparse.ArgumentTypeError('%s is no UUID' % text)
    return text


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Return the arguments; exits with report.INVALID for wrong ones."""
    parser = _Parser(
        prog='nova-snapshot-fix', epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description='Find and heal servers whose snapshots would have a '
                    'wrong base_image_ref, or none.')
    parser.add_argument(
        '--version', action=_Version, nargs=0,
        help='show the version and exit')
    parser.add_argument(
        '--config-file', action='append', metavar='FILE', default=[],
        help='may be repeated; default: where nova-manage looks')
    parser.add_argument(
        '--config-dir', action='append', metavar='DIR', default=[])
    commands = parser.add_subparsers(
        dest='command', required=True, metavar='check|repair',
        parser_class=_Parser)
    check = commands.add_parser('check', help='look, and change nothing')
    repair = commands.add_parser('repair', help='heal what is inconsistent')
    repair.add_argument(
        '--dry-run', action='store_true',
        help='say what would be healed, and change nothing')
    for command in (check, repair):
        which = command.add_mutually_exclusive_group()
        which.add_argument(
            '--instance', type=_uuid, metavar='UUID', help='this server only')
        which.add_argument(
            '--cell', metavar='CELL',
            help='the servers of this cell only; its UUID or name')
        command.add_argument(
            '--project', metavar='ID', help='the servers of this project only')
        command.add_argument(
            '--max-count', type=_positive, metavar='N',
            help='stop after N servers that are inconsistent')
        command.add_argument(
            '--batch-size', type=_positive, default=1000, metavar='N',
            help='servers read at once, default 1000')
        command.add_argument(
            '--report', metavar='FILE',
            help='write what was found as JSON; - is standard output')
    return parser.parse_args(argv)
