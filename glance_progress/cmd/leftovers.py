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

"""``glance-progress leftovers``: finds what broken uploads have left."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import logging
import signal
import sys
import time
import traceback
from typing import Any
from typing import NoReturn

from oslo_config import cfg

from glance_progress.ceph import holdings
from glance_progress.ceph import journal
from glance_progress.cli import arguments
from glance_progress.cli import glance_files
from glance_progress.cli import outcome
from glance_progress.cli import textfile
from glance_progress.leftovers import finding
from glance_progress.leftovers import removal
from glance_progress.leftovers import report
from glance_progress.leftovers import resetting
from glance_progress.leftovers import restoring
from glance_progress.leftovers import rows
from glance_progress.leftovers import search
from glance_progress.leftovers import service
from glance_progress.leftovers import staging
from glance_progress.leftovers import survey

NOTHING = 0
FOUND = 2

_HOUR = 3600
_DAY = 24 * _HOUR

_EPILOG = """
kinds:
  uploads  images that are saving, uploading or importing, with their data
  data     RBD images of images that were deleted
  copies   RBD images in stores that the image is not in
  staging  files in the staging area of this host
  tasks    import locks, and tasks that have not ended
and, which are never removed:
  lost     locations whose RBD image is not there
  trash    RBD images in Ceph's trash, whose time is over or not

exit status:
  0    nothing was found but what waits in the trash, or all was removed
  2    something was found
  255  could not look, or could not finish; what was removed is said
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the arguments behind ``leftovers``."""
    made = arguments.Parser(
        prog='glance-progress leftovers', epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description='Find what broken uploads, imports and copies have left '
                    'behind. Run it where glance-api runs.')
    arguments.add_common(made)
    made.add_argument('-f', '--format', choices=('table', 'json'),
                      default='table')
    made.add_argument(
        '--older-than', type=float, default=24.0, metavar='HOURS',
        help='only what nothing has happened to for so long, default 24; it '
             'proves nothing, and is asked for beside all proofs')
    what = made.add_mutually_exclusive_group()
    what.add_argument(
        '--remove', nargs='*', choices=finding.REMOVABLE, metavar='KIND',
        help='remove what was left behind, of these kinds or of all')
    what.add_argument(
        '--restore', nargs='*', metavar='ID',
        help='bring back what was removed: of these images or RBD ids, or '
             'all')
    made.add_argument(
        '--expire', type=float, default=7.0, metavar='DAYS',
        help='how long the trash keeps what is removed, default 7')
    made.add_argument('--yes', action='store_true', help='do not ask')
    made.add_argument(
        '--textfile', type=textfile.path, metavar='FILE',
        help='write what is left to FILE.prom as well, for node_exporter')
    return made


def run(conf: cfg.ConfigOpts, args: argparse.Namespace) -> int:
    """Do what *args* say, and return the exit status."""
    surveyor = survey.Surveyor(conf)
    try:
        if args.restore is not None:
            return _restore(surveyor, args)
        found = search.findings(surveyor, args.older_than * _HOUR)
        if args.remove is None:
            _show(found, args)
            left: Sequence[finding.Finding] = found
        else:
            left = _remove(conf, surveyor, found, args)
        if args.textfile is not None:
            _write(args.textfile, left)
        return FOUND if any(each.notable for each in left) else NOTHING
    finally:
        surveyor.close()


def _remove(conf: cfg.ConfigOpts, surveyor: survey.Surveyor,
            found: Sequence[finding.Finding],
            args: argparse.Namespace) -> Sequence[finding.Finding]:
    """Remove of *found* what *args* say, and return what is left."""
    kinds = args.remove or finding.REMOVABLE
    chosen = [each for each in found if each.removable and each.kind in kinds]
    if args.format == 'table':
        _show(found, args)
    if chosen and not _agreed(args, 'Remove %d of these' % len(chosen)):
        return found
    service.make_stores(conf)
    done: list[finding.Finding] = []
    try:
        with removal.Remover(surveyor, int(args.expire * _DAY)) as remover:
            for each in chosen:
                try:
                    remover.remove(each)
                    done.append(each)
                except resetting.Spared as exc:
                    _say('spared %s of image %s: %s' % (
                        each.what, each.image_id, exc))
            remover.tidy()
            staging.expire(args.expire * _DAY)
    finally:
        if args.format == 'json':
            print(report.as_json(found, [
                '%s of image %s' % (each.what, each.image_id)
                for each in done]))
        else:
            print('%d removed' % len(done))
    return [each for each in found if each not in done]


def _write(path: str, left: Sequence[finding.Finding]) -> None:
    from glance_progress.metrics import leftovers
    leftovers.write(path, leftovers.Findings(
        report.counts(left), report.sizes(left), time.time()))


def _restore(surveyor: survey.Surveyor, args: argparse.Namespace) -> int:
    which = set(args.restore)
    if not which and not _agreed(args, 'Bring back all that was removed'):
        return FOUND
    with removal.Remover(surveyor, 0):
        done = restoring.restore(
            surveyor, lambda *names: not which or bool(which & set(names)))
    for each in done:
        print(each)
    return NOTHING if done or not which else FOUND


def _show(found: Sequence[finding.Finding],
          args: argparse.Namespace) -> None:
    if args.format == 'json':
        print(report.as_json(found))
    elif found:
        print(report.as_table(found))
    else:
        print('Nothing was left behind.')


def _agreed(args: argparse.Namespace, question: str) -> bool:
    if args.yes:
        return True
    if not sys.stdin.isatty():
        _say('nobody is there to be asked; say --yes')
        return False
    return input('%s? [y/N] ' % question).strip().lower() in ('y', 'yes')


def _say(text: str) -> None:
    print('glance-progress leftovers: %s' % text, file=sys.stderr)


def _log() -> None:
    """Say on the standard error what is done, and nothing of others."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter('%(asctime)s %(message)s'))
    logging.getLogger('glance_progress').addHandler(handler)
    logging.getLogger('glance_progress').propagate = False
    for noisy in ('stevedore', 'glance', 'glance_store'):
        logging.getLogger(noisy).addHandler(logging.NullHandler())


def _stop(number: int, frame: Any) -> NoReturn:
    raise SystemExit(128 + number)


def main(argv: list[str]) -> int:
    """Run the command; *argv* is what is behind ``leftovers``."""
    args = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _stop)
    _log()
    try:
        conf = service.options()
        glance_files.load(conf, args.config_file, args.config_dir)
        service.register_stores(conf)
        return run(conf, args)
    except KeyboardInterrupt:
        return outcome.INTERRUPTED
    except ImportError as exc:
        _say("%s; install it with: pip install 'glance-progress[exporter]'"
             % exc)
    except (cfg.Error, ValueError, OSError) as exc:
        _say(glance_files.describe(exc))
    except journal.Locked as exc:
        _say('%s; nothing was removed' % exc)
    except (*holdings.failures(), *rows.FAILURES) as exc:
        # The rest may be SQL.
        _say('stopped: %s: %s' % (
            type(exc).__name__, str(exc).partition('\n')[0]))
    except Exception:
        traceback.print_exc()
    return outcome.UNUSABLE
