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

"""Whether glance-api's paste file names our router.

It has the stores of type ``rbd`` metered, and answers for progress. Glance
looks for the file as is done here (glance.common.config).
"""

from __future__ import annotations

import configparser
import os
from typing import Any

from glance_progress.cmd.checks import subject
from glance_progress.cmd.checks import verdict

NAME = 'Router'

FACTORY = 'glance_progress.api:API.factory'

_FACTORY = 'paste.app_factory'


class _Paste(configparser.ConfigParser):
    """Reads a paste file as PasteDeploy does."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr

    def factory(self, section: str) -> str | None:
        """Return what makes the app of *section*; no default counts."""
        if _FACTORY in self.defaults():
            return None
        return self.get(section, _FACTORY, raw=True, fallback=None)


def check(about: subject.Subject) -> Any:
    """Look for the one line of the paste file that switches us on."""
    path = _path(about.conf)
    if path is None or not os.path.isfile(path):
        return verdict.of(
            verdict.WARNING, 'The paste file of glance-api was not found%s. '
            'Name it with [paste_deploy] config_file.'
            % (': ' + path if path else ''))
    file = _Paste({'here': os.path.dirname(path), '__file__': path})
    try:
        with open(path, encoding='utf-8') as lines:
            file.read_file(lines)
        ours = [section for section in file.sections()
                if file.factory(section) == FACTORY]
        for section in ours:
            file.items(section)  # which has to come out
    except OSError as exc:
        return verdict.of(verdict.WARNING, str(exc))
    except (UnicodeDecodeError, configparser.Error) as exc:
        return verdict.of(
            verdict.WARNING,
            '%s is malformed: %s' % (path, ' '.join(str(exc).split())))
    if ours:
        return verdict.of(verdict.SUCCESS, 'Named in %s.' % path)
    return verdict.of(
        verdict.WARNING, '%s: no app has "paste.app_factory = %s". There is '
        'no API for progress, and stores of type rbd show none.'
        % (path, FACTORY))


def _path(conf: Any) -> str | None:
    group = conf.paste_deploy if 'paste_deploy' in conf else None
    if group is not None and group.config_file:
        return os.path.abspath(group.config_file)
    if not conf.config_file:
        return None
    name = os.path.basename(conf.config_file[-1])
    found: str | None = conf.find_file(name.replace('.conf', '-paste.ini'))
    return found
