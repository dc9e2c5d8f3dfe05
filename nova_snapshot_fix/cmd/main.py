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


"""``nova-snapshot-fix``: looks at the servers of a cloud, and heals them.

It reads nova.conf as nova-manage does, and so nova is imported here: for its
configuration and nothing else.
"""

from __future__ import annotations

import argparse
import signal
import sys
import traceback
import types
from typing import NoReturn

from nova import config
from nova import context as nova_context
from nova import objects
from oslo_config import cfg
from oslo_db import exception as db_exception
from oslo_log import log as logging

from nova_snapshot_fix.cmd import arguments
from nova_snapshot_fix.cmd import report
from nova_snapshot_fix import heal
from nova_snapshot_fix import images
from nova_snapshot_fix import inventory
from nova_snapshot_fix import opts

CONF = cfg.CONF


def run(args: argparse.Namespace, ask: heal.Ask | None = None) -> int:
    """Do what *args* say and return the exit status.

    :param ask: asks Glance and Cinder; as nova.conf has them when None
    """
    opts.register(CONF)
    context = nova_context.get_admin_context()
    writes = args.command == 'repair' and not args.dry_run
    selection = inventory.Selection(args.cell, args.project, args.instance)
    try:
        with report.Report(args.report, args.command) as found:
            for batch in inventory.walk(
                    context, selection, ask or images.Ask(),
                    CONF[opts.GROUP].base_of_snapshot, writes,
                    args.max_count, args.batch_size):
                found.add(batch)
                print('%s: %s' % (batch.cell, batch.error or (
                    '%d servers, %s' % (found.instances, _words(found)))),
                    file=sys.stderr, flush=True)
            handled = (found.counts[inventory.State.INCONSISTENT]
                       + found.counts[inventory.State.HEALED])
            found.complete = args.max_count is None or handled < args.max_count
    except inventory.UnknownCell as exc:
        return _say(report.INVALID, 'there is no cell %s' % exc)
    except inventory.UnknownInstance as exc:
        return _say(report.INVALID, 'there is no server %s' % exc)
    except images.NoCredentials as exc:
        return _say(report.ERROR, str(exc))
    return found.status


def _say(status: int, message: str) -> int:
    print('nova-snapshot-fix: %s' % message, file=sys.stderr)
    return status


def _words(found: report.Report) -> str:
    words = ['%d %s' % (found.counts[state], state.value)
             for state in inventory.State if found.counts[state]]
    return ', '.join(words) or 'all consistent'


def _stop(number: int, frame: types.FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def main(argv: list[str] | None = None) -> int:
    args = arguments.parse(argv)
    # Between two servers or within one: what was not reached is finished by
    # the next run.
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
        return _say(report.ERROR, str(exc))
    except (db_exception.DBError, db_exception.CantStartEngineError) as exc:
        # The rest is SQL.
        return _say(report.ERROR,
                    'a database failed: ' + str(exc).partition('\n')[0])
    except Exception:
        traceback.print_exc()
        return report.ERROR


if __name__ == '__main__':
    sys.exit(main())
