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

"""``glance-progress-status``: from arguments and files to results."""

from __future__ import annotations

import argparse
from importlib import metadata
import json
import sys
import traceback

from oslo_config import cfg

from glance_progress.cli import arguments
from glance_progress.cli import glance_files
from glance_progress.cli import outcome
from glance_progress.locations import config
from glance_progress.locations import facts
from glance_progress.locations import releases
from glance_progress.locations import results
from glance_progress.locations import rule


class CannotCheck(Exception):
    """There is something in the way of an answer."""


def _parser() -> argparse.ArgumentParser:
    parser = arguments.Parser(
        prog='glance-progress-status',
        description='Check the configuration before a restart. Reads files, '
                    'and asks no service.',
        epilog='Exit status: 0 nothing found, 1 warnings, 2 failures, 255 '
               'could not check.')
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
    commands = parser.add_subparsers(
        dest='command', required=True, metavar='check',
        parser_class=arguments.Parser)
    check = commands.add_parser(
        'check', help='check whether Nova and Cinder can register locations')
    for project in ('nova', 'cinder'):
        check.add_argument(
            '--%s-conf' % project, action='append', metavar='FILE',
            default=[], help='a file that %s reads, and what is in FILE.d, '
            'may be repeated' % project.capitalize())
        check.add_argument(
            '--%s-conf-dir' % project, action='append', metavar='DIR',
            default=[], help='a directory of *.conf files that %s reads, may '
            'be repeated' % project.capitalize())
        check.add_argument(
            '--%s-release' % project, metavar='RELEASE',
            help='version or release, as 34 or 2026.2; not known by default')
    check.add_argument('--json', action='store_true', help='print JSON')
    return parser


def _glance(args: argparse.Namespace) -> facts.Glance:
    try:
        from glance_progress.locations import policy
    except ImportError as exc:
        raise CannotCheck(
            'glance cannot be imported (%s); run this where glance-api runs, '
            'in its virtual environment' % exc) from exc
    conf = cfg.CONF  # Glance's policies read no other
    glance_files.load(conf, args.config_file, args.config_dir)
    glance = config.glance(conf)
    if glance.release is None:
        raise CannotCheck('the version of the installed glance is not known')
    return policy.added(glance, conf)


def _caller(
    args: argparse.Namespace, project: str
) -> facts.Caller | None:
    files = getattr(args, project + '_conf')
    directories = getattr(args, project + '_conf_dir')
    text = getattr(args, project + '_release')
    release = None if text is None else releases.major(project, text)
    if not files and not directories:
        if text is not None:
            raise CannotCheck('--%s-release needs --%s-conf'
                              % (project, project))
        return None
    read = getattr(config, project)
    caller: facts.Caller = read(files, release, directories)
    return caller


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    try:
        callers = {name: _caller(args, name) for name in ('nova', 'cinder')}
        found = rule.findings(_glance(args), **callers)
    except (CannotCheck, cfg.Error, ValueError, OSError) as exc:
        print('glance-progress-status: %s' % glance_files.describe(exc),
              file=sys.stderr)
        return outcome.UNUSABLE
    except Exception:
        traceback.print_exc()
        return outcome.UNUSABLE
    checks = results.Checks(
        found, [name for name, caller in callers.items() if caller is None])
    status = max([int(finding.severity) for finding in found], default=0)

    def show() -> int:
        if args.json:
            print(json.dumps(checks.document()))
        else:
            checks.check()
            if found:
                print('\n%s' % checks.explain())
        return status
    return outcome.of_printing(show, status)
