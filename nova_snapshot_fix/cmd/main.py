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


"""``nova-snapshot-fix``: looks at the servers of a cloud, and repairs them.

It reads nova.conf as nova-manage does, and so nova is imported here: for its
configuration and nothing else.
"""

from __future__ import annotations

import argparse
from importlib import metadata
import signal
import sys
import traceback
import types
from typing import Any
from typing import NoReturn

from nova import config
from nova import context as nova_context
from nova import objects
from oslo_config import cfg
from oslo_log import log as logging
from oslo_utils import uuidutils

from nova_snapshot_fix.cmd import report
from nova_snapshot_fix import images
from nova_snapshot_fix import inventory
from nova_snapshot_fix import opts

CONF = cfg.CONF

DONE = 0
#: There is more: --max-count was reached.
MORE = 1
#: check, repair --dry-run: some servers are off the rule.
OFF = 2
#: Some could not be repaired or judged, or were busy: run it again.
LEFT = 3
INVALID = 127
#: Something failed that should not.
ERROR = 255

_EPILOG = """
exit status:
  0    all servers are on the rule, or have been brought back to it
  1    --max-count was reached: run it again
  2    check, repair --dry-run: some servers are off the rule
  3    some were busy, or failed, or Glance did not answer: run it again
  127  wrong usage
  255  an error; what was repaired before stays repaired
"""


class _Parser(argparse.ArgumentParser):

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(INVALID, '%s: error: %s\n' % (self.prog, message))


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
    """Return the arguments; exits with INVALID for wrong ones."""
    parser = _Parser(
        prog='nova-snapshot-fix', epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description='Find and repair servers whose snapshots would have a '
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
    repair = commands.add_parser('repair', help='repair what is off the rule')
    repair.add_argument(
        '--dry-run', action='store_true',
        help='say what would be repaired, and change nothing')
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
            help='stop after N servers that are off the rule')
        command.add_argument(
            '--batch-size', type=_positive, default=1000, metavar='N',
            help='servers read at once, default 1000')
        command.add_argument(
            '--report', metavar='FILE',
            help='write what was found as JSON; - is standard output')
    return parser.parse_args(argv)


def run(args: argparse.Namespace, image_api: Any = None) -> int:
    """Do what *args* say and return the exit status.

    :param image_api: see :class:`nova_snapshot_fix.images.Cache`
    """
    opts.register(CONF)
    context = nova_context.get_admin_context()
    writes = args.command == 'repair' and not args.dry_run
    selection = inventory.Selection(args.cell, args.project, args.instance)
    try:
        with report.Report(args.report, args.command) as told:
            for batch in inventory.walk(
                    context, selection,
                    images.Cache(context, image_api).look_up,
                    CONF[opts.GROUP].base_of_snapshot, writes,
                    args.max_count, args.batch_size):
                told.add(batch)
                print('%s: %d servers, %s' % (
                    batch.cell, told.instances, _words(told)),
                    file=sys.stderr, flush=True)
            handled = (told.counts[inventory.State.OFF.value]
                       + told.counts[inventory.State.REPAIRED.value])
            told.complete = args.max_count is None or handled < args.max_count
    except inventory.UnknownCell as exc:
        return _say(INVALID, 'there is no cell %s' % exc)
    except inventory.UnknownInstance as exc:
        return _say(INVALID, 'there is no server %s' % exc)
    except images.NoCredentials as exc:
        return _say(ERROR, str(exc))
    return _status(told)


def _say(status: int, message: str) -> int:
    print('nova-snapshot-fix: %s' % message, file=sys.stderr)
    return status


def _words(told: report.Report) -> str:
    words = ['%d %s' % (told.counts[state.value], state.value)
             for state in inventory.State if told.counts[state.value]]
    return ', '.join(words) or 'all right'


def _status(told: report.Report) -> int:
    if not told.complete:
        return MORE
    if told.counts[inventory.State.OFF.value]:
        return OFF
    left = (inventory.State.BUSY, inventory.State.FAILED)
    if any(told.counts[state.value] for state in left) or told.unanswered:
        return LEFT
    return DONE


def _stop(number: int, frame: types.FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    # Between two servers or within one: each is repaired in one transaction,
    # and its RequestSpec at the next run if that was not reached.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        # With messaging, as nova-manage does: the mappings of the cells are
        # read with options that this registers. Nothing is sent.
        config.parse_args(
            ['nova-snapshot-fix']
            + ['--config-file=' + path for path in args.config_file]
            + ['--config-dir=' + path for path in args.config_dir])
        logging.setup(CONF, 'nova')
        objects.register_all()
        return run(args)
    except (cfg.Error, OSError) as exc:
        return _say(ERROR, str(exc))
    except Exception:
        traceback.print_exc()
        return ERROR


if __name__ == '__main__':
    sys.exit(main())
