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
import json
import logging
import sys
import traceback
from typing import Any

from oslo_config import cfg

from glance_progress.cli import glance_files
from glance_progress.cli import outcome
from glance_progress.cmd.checks import arguments
from glance_progress.cmd.checks import bindings
from glance_progress.cmd.checks import leftovers
from glance_progress.cmd.checks import locations
from glance_progress.cmd.checks import memcached
from glance_progress.cmd.checks import options
from glance_progress.cmd.checks import pools
from glance_progress.cmd.checks import router
from glance_progress.cmd.checks import self_reference
from glance_progress.cmd.checks import subject
from glance_progress.cmd.checks import table
from glance_progress.cmd.checks import uwsgi
from glance_progress.driver import store_options
from glance_progress.locations import finding

# What does not depend on the options of this package, and what does.
_FIRST = (options, bindings)
_LATER = (memcached, pools, leftovers)
_LAST = (router, self_reference, uwsgi)

_Results = list[tuple[str, Any]]


def _load(args: argparse.Namespace) -> subject.Subject:
    locations.policies()  # which brings Glance's options
    if not args.offline:
        leftovers.prepare()  # which brings those of its database
    conf = cfg.CONF  # Glance's policies read no other
    glance_files.load(conf, args.config_file, args.config_dir)
    store_options.register(conf)
    return subject.Subject(conf, args, options.wrong(conf))


def _results(
    args: argparse.Namespace
) -> tuple[_Results, list[finding.Finding]]:
    told = locations.callers(args)
    about = _load(args)
    found = []
    if about.wrong is None:
        found = locations.findings(about.conf, told)
    results = [(check.NAME, check.check(about)) for check in _FIRST]
    if about.wrong is None:
        results += [(check.NAME, check.check(about)) for check in _LATER]
        results += locations.results(found, told)
    results += [(check.NAME, check.check(about)) for check in _LAST]
    return results, found


def main(argv: list[str] | None = None) -> int:
    args = arguments.parser().parse_args(argv)
    # What it would log is in the results; where nobody handles it, Python
    # prints warnings.
    logging.getLogger('glance_progress').addHandler(logging.NullHandler())
    try:
        results, found = _results(args)
    except (locations.CannotCheck, cfg.Error, ValueError, OSError) as exc:
        print('glance-progress-status: %s' % glance_files.describe(exc),
              file=sys.stderr)
        return outcome.UNUSABLE
    except Exception:
        traceback.print_exc()
        return outcome.UNUSABLE
    shown = table.Table(results)

    def show() -> int:
        if args.json:
            print(json.dumps(shown.document(found)))
        else:
            shown.check()
            if found:
                print('\n%s' % locations.explain(found))
        return shown.worst
    return outcome.of_printing(show, shown.worst)
