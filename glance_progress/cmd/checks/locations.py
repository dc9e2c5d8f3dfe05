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

"""Whether Nova and Cinder can register image locations, see locations/."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from collections.abc import Sequence
import textwrap
from typing import Any

from oslo_config import cfg

from glance_progress.cmd.checks import verdict
from glance_progress.locations import config
from glance_progress.locations import facts
from glance_progress.locations import finding
from glance_progress.locations import releases
from glance_progress.locations import rule

_WIDTH = 72

_TOKEN = 'Service token'

_KINDS = (
    ('Locations can be registered',
     ('old-location-call-refused', 'location-api-missing')),
    (_TOKEN, ('service-token-missing', 'service-role-not-accepted')),
    ('Locations are not exposed',
     ('multiple-locations-needless', 'location-policies-open',
      'location-policies-unverified')),
)


class CannotCheck(Exception):
    """There is something in the way of an answer."""


def callers(args: argparse.Namespace) -> dict[str, facts.Caller | None]:
    """Return what Nova and Cinder are told, None where that is not known.

    :raises CannotCheck: for a release without files
    :raises Exception: what oslo.config says of files that cannot be read
    """
    return {name: _caller(args, name) for name in ('nova', 'cinder')}


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


def policies() -> Any:
    """Return the module that knows Glance's policies, and Glance's options.

    :raises CannotCheck: where Glance is not
    """
    try:
        from glance_progress.locations import policy
    except ImportError as exc:
        raise CannotCheck(
            'glance cannot be imported (%s); run this where glance-api runs, '
            'in its virtual environment' % exc) from exc
    return policy


def glance(conf: cfg.ConfigOpts) -> facts.Glance:
    """Return what glance-api is told, its policies included.

    :raises CannotCheck: for a Glance of unknown version
    :raises Exception: what oslo.config and oslo.policy say of files
    """
    known = config.glance(conf)
    if known.release is None:
        raise CannotCheck('the version of the installed glance is not known')
    added: facts.Glance = policies().added(known, conf)
    return added


def findings(
    conf: cfg.ConfigOpts, told: dict[str, facts.Caller | None]
) -> list[finding.Finding]:
    """Return what is wrong, the worst first.

    :param told: what callers() has returned
    """
    return rule.findings(glance(conf), **told)


def results(
    found: Sequence[finding.Finding], told: dict[str, facts.Caller | None]
) -> Iterator[tuple[str, Any]]:
    """Return the findings as results, each kind of them a check."""
    missing = ' and '.join('--%s-conf' % name for name, caller in told.items()
                           if caller is None)
    for name, codes in _KINDS:
        otherwise = None
        if name == _TOKEN and missing:
            otherwise = 'Not checked without %s.' % missing
        yield name, verdict.worst(
            [(verdict.of(each.severity).code, each.what + '.')
             for each in found if each.code in codes], otherwise)


def explain(found: Sequence[finding.Finding]) -> str:
    """Return what each finding leads to, and what to do about it.

    The table folds its text, and lines of configuration must stay lines.
    """
    return '\n\n'.join(
        '\n'.join(
            line if line.startswith(' ') else textwrap.fill(
                line, _WIDTH, subsequent_indent='  ')
            for line in str(each).splitlines())
        for each in found)
