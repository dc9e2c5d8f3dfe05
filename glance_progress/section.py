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

"""The section [glance_progress] of configuration files, and others' sections.

Each folder has the options of what is in it in a module ``options``;
:mod:`glance_progress.opts` collects them.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import math
from typing import Any

from oslo_config import cfg
from oslo_config import types

NAME = 'glance_progress'


def of(conf: cfg.ConfigOpts, options: Sequence[cfg.Opt]) -> Any:
    """Return the section, in which *options* can be read."""
    conf.register_opts(options, group=NAME)
    return conf[NAME]


def check(conf: cfg.ConfigOpts, options: Sequence[cfg.Opt]) -> None:
    """Read each of *options*, so that a wrong value is found at load.

    :raises ValueError: (oslo.config's ConfigFileValueError is one too) naming
        option and value
    """
    values = of(conf, options)
    for option in options:
        try:
            getattr(values, option.dest)
        except (cfg.NoSuchOptError, cfg.TemplateSubstitutionError,
                RecursionError) as exc:
            # Of a value with $name, oslo.config says only what is missing.
            raise ValueError('[%s] %s refers to what is not there: %s' % (
                NAME, option.dest, exc)) from exc


def of_others(
    conf: cfg.ConfigOpts, options: Mapping[str | None, Iterable[cfg.Opt]]
) -> cfg.ConfigOpts:
    """Return what the files of *conf* say in sections that are not ours.

    Whoever registers these options would fail if they were registered in
    *conf* as well, and may do so late or not at all: keystonemiddleware when
    the pipeline is built. So the files are read again.

    :param options: by section; that of None is DEFAULT
    """
    found = cfg.ConfigOpts()
    for group, wanted in options.items():
        found.register_opts(wanted, group=group)
    found(args=[], default_config_files=list(conf.config_file or ()),
          default_config_dirs=list(conf.config_dir or ()))
    return found


def _showing(convert: Callable[[Any], Any], value: Any) -> Any:
    # oslo.config's range checks do not say what was given.
    try:
        return convert(value)
    except ValueError as exc:
        raise ValueError('%s (given: %s)' % (exc, value)) from None


def _given(number: Any) -> Any:
    # What follows from an empty value, oslo.config leaves to others.
    if number is None:
        raise ValueError('no number is given')
    return number


class Float(types.Float):
    """A number within bounds, which NaN is not."""

    def __call__(self, value: Any) -> Any:
        number = _given(_showing(super().__call__, value))
        if math.isnan(number):
            raise ValueError('%s is no number' % value)
        return number


class Integer(types.Integer):
    """A whole number within bounds."""

    def __call__(self, value: Any) -> Any:
        return _given(_showing(super().__call__, value))
