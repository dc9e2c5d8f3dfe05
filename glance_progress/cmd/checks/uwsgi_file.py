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

"""What a uwsgi ini file says."""

from __future__ import annotations

import configparser

_FALSE = frozenset(('false', 'no', 'off', '0'))


class UwsgiFile:
    """The options of the section ``[uwsgi]``, by their names and aliases.

    :param path: of the file
    :raises OSError: it cannot be read
    :raises ValueError: it is malformed, or has no such section
    """

    def __init__(self, path: str) -> None:
        parser = configparser.ConfigParser(
            interpolation=None, strict=False, allow_no_value=True,
            delimiters=('=',), comment_prefixes=(';', '#'))
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        try:
            with open(path, encoding='utf-8') as file:
                parser.read_file(file)
            self._options = dict(parser['uwsgi'])
        except (configparser.Error, UnicodeDecodeError, KeyError) as exc:
            raise ValueError('%s is no ini file of uwsgi' % path) from exc

    def is_on(self, *names: str) -> bool:
        """Return whether one of the switches *names* is on."""
        return any((self._options[name] or 'true').strip().lower()
                   not in _FALSE for name in names if name in self._options)

    def has(self, *names: str) -> bool:
        """Return whether one of the options *names* is set."""
        return any(name in self._options for name in names)

    def number(self, default: int, *names: str) -> int:
        """Return the option that goes by *names*.

        :raises ValueError: it is no number, as where it is a variable
        """
        for name in names:
            if name in self._options:
                text = self._options[name] or ''
                try:
                    return int(text)
                except ValueError:
                    raise ValueError(
                        '%s = %s is no number that can be read here'
                        % (name, text)) from None
        return default
