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

"""Keeps glance-api from starting where snapshots must fail."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
import logging as stdlib_logging
import math
import os
import sys

from oslo_config import cfg
from oslo_log import log as logging

from glance_progress.locations import config
from glance_progress.locations import facts
from glance_progress.locations import finding
from glance_progress.locations import options
from glance_progress.locations import policy
from glance_progress.locations import rule
from glance_progress import section
from glance_progress import warning

LOG = logging.getLogger(__name__)

_findings = warning.Seldom(math.inf)


class LocationsRefusedError(Exception):
    """glance-api must not start with these options."""


def check(conf: cfg.ConfigOpts) -> None:
    """Say what is wrong with the locations, once a process.

    A fault in here is logged and keeps no service from starting.

    :param conf: the options of glance-api, loaded and checked
    :raises LocationsRefusedError: if location_check says enforce, and users
        would lose snapshots
    """
    mode = section.of(conf, options.OPTS).location_check
    if mode == 'off':
        return
    try:
        found = rule.findings(_facts(conf))
        failures = [each for each in found
                    if each.severity is finding.Severity.FAILURE]
        refused = mode == 'enforce' and bool(failures)
        if refused:
            _say_refusal(failures)
        else:
            _warn(found)
    except Exception:
        LOG.exception('The check of image locations failed; glance-api '
                      'starts without it.')
        return
    if refused:
        # uWSGI has it logged, twice and with a hundred lines of how paste came
        # here, and the glance-api of eventlet prints it: it is better short.
        raise LocationsRefusedError(
            'glance-api does not start: location_check refuses it for %s, see '
            'the message before this' % ', '.join(
                finding.code for finding in failures))


def reset() -> None:
    """Forget what was said."""
    global _findings
    _findings = warning.Seldom(math.inf)


def _facts(conf: cfg.ConfigOpts) -> facts.Glance:
    glance = config.glance(conf)
    if not glance.multiple_locations:  # which makes the policies matter
        return glance
    try:
        return policy.added(glance, conf)
    except Exception:
        LOG.exception('The policies on image locations cannot be read; '
                      'glance-api starts without a check of them.')
        return glance


def _say_refusal(failures: Sequence[finding.Finding]) -> None:
    text = (
        'glance-api does not start, [glance_progress] location_check = '
        'enforce: %s\nOr, to start it as it is:\n'
        '  in glance-api.conf:\n    [glance_progress]\n'
        '    location_check = warn' % '\n'.join(map(str, failures)))
    LOG.critical('%s', text)
    if not _log_is_on_stderr():
        print(text, file=sys.stderr, flush=True)


def _warn(found: Iterable[finding.Finding]) -> None:
    for each in found:
        # The factory runs as often as the paste file names the router.
        if _findings.admits(each.code):
            LOG.warning('%s', each)


def _log_is_on_stderr() -> bool:
    # stdout is often the same file, and the log goes there by default.
    for handler in stdlib_logging.getLogger().handlers:
        try:
            if os.path.sameopenfile(
                    handler.stream.fileno(),  # type: ignore[attr-defined]
                    sys.stderr.fileno()):
                return True
        except (AttributeError, OSError):
            pass
    return False
