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

"""The files that glance-api reads."""

from __future__ import annotations

from collections.abc import Sequence
import os

from oslo_config import cfg


class Unusable(ValueError):
    """There are none, or they cannot be read."""


def load(
    conf: cfg.ConfigOpts, files: Sequence[str], directories: Sequence[str]
) -> None:
    """Have *conf* read files that were named, or else those of glance-api.

    :raises Unusable: naming what is missing
    :raises cfg.Error: for what is malformed, and for a named file that is
        missing
    """
    # As arguments, since missing ones are an error there.
    given = ['--config-file=' + path for path in files]
    given += ['--config-dir=' + path for path in directories]
    conf(args=given, project='glance', prog='glance-api',
         default_config_files=_default_files())
    if not conf.config_file and not directories:
        raise Unusable(
            'there is no glance-api.conf where glance-api looks for it, or '
            'it cannot be reached; name it with --config-file')
    for path in conf.config_dir or ():
        # oslo.config takes one that may not be read for an empty one.
        if os.path.exists(path) and not os.access(path, os.R_OK | os.X_OK):
            raise Unusable('%s cannot be read' % path)


def describe(exc: Exception) -> str:
    """Return what is wrong with a file, without what may be a secret."""
    # A line that cannot be parsed, and a value with a $, may be a password.
    if isinstance(exc, cfg.ConfigFileParseError):
        line = getattr(exc.__context__, 'lineno', None)
        return '%s is malformed%s' % (
            exc.config_file, '' if line is None else ', line %s' % line)
    if isinstance(exc, (cfg.NoSuchOptError, cfg.NoSuchGroupError,
                        cfg.TemplateSubstitutionError)):
        return 'a value has a $ that names no option; write $$ for $'
    return str(exc)


def _default_files() -> list[str] | None:
    # As glance.common.wsgi_app does; None for the usual search.
    directory = os.environ.get('OS_GLANCE_CONFIG_DIR', '').strip()
    if not directory:
        return None
    optional = os.path.join(directory, 'glance-image-import.conf')
    return [*([optional] if os.path.exists(optional) else []),
            os.path.join(directory, 'glance-api.conf')]
