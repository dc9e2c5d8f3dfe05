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

"""Values of sections of configuration files that are not ours."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from glance_progress import section
from glance_progress import warning

# References that lead to others; more are a circle.
_REFERENCES = 20


class Others:
    """Values of others' sections, also those that refer to other values.

    oslo.config replaces ``$name`` and ``${section.name}`` by the values of
    options that are registered. Which those are in the service that a file
    was written for is not known here, so that every option counts that the
    file sets, or that *conf* knows.

    :param conf: its files are read again, see :func:`section.of_others`
    :param options: by section
    """

    def __init__(
        self, conf: cfg.ConfigOpts,
        options: Mapping[str | None, Iterable[cfg.Opt]],
    ) -> None:
        self._conf = conf
        self._found = section.of_others(conf, options)

    def get(self, group: str | None, name: str) -> Any:
        """Return the value of an option.

        :raises ValueError: it is wrong, or refers to what nobody has set
        """
        found = self._found
        for _ in range(_REFERENCES):
            try:
                return (found[group] if group else found)[name]
            except (cfg.NoSuchGroupError, cfg.NoSuchOptError) as exc:
                self._admit_what_lacks(exc, name)
        raise ValueError('%s refers to too many others' % name)

    def _admit_what_lacks(self, exc: BaseException, name: str) -> None:
        if getattr(exc, 'opt_name', None) == name and exc.__context__:
            # Of an option of DEFAULT, oslo.config says that it is not there
            # itself, whatever is wrong.
            exc = exc.__context__
        if isinstance(exc, cfg.NoSuchGroupError):
            self._found.register_group(cfg.OptGroup(exc.group_name))
        elif isinstance(exc, cfg.NoSuchOptError):
            self._admit(exc.opt_name)
        else:
            raise ValueError(warning.reason(exc))

    def _admit(self, reference: str) -> None:
        """Have *reference* found from now on."""
        group, _, name = reference.rpartition('.')
        known = self._conf
        try:
            default = (known[group] if group else known)[name]
        except (cfg.NoSuchOptError, cfg.NoSuchGroupError):
            default = None
        option = cfg.StrOpt(name, default=default and str(default))
        self._found.register_opt(option, group=group or None)
        if not self.get(group, name):
            raise ValueError('it refers to $%s, which is not set' % reference)
