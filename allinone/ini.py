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

"""The text of configuration files."""

from __future__ import annotations

from collections.abc import Mapping
import configparser
import io

#: section -> option -> value
Options = Mapping[str, Mapping[str, object]]


def parser() -> configparser.RawConfigParser:
    """Return a parser that leaves names and values as they are."""
    made = configparser.RawConfigParser(
        default_section='', inline_comment_prefixes=None, strict=False)
    made.optionxform = str  # type: ignore[assignment,method-assign]
    return made


def text(parsed: configparser.RawConfigParser) -> str:
    """Return what a parser holds as the text of a file."""
    out = io.StringIO()
    parsed.write(out)
    return out.getvalue()


def conf(*layers: Options) -> str:
    """Return a configuration file in which later layers win."""
    made = parser()
    for layer in layers:
        for section, options in layer.items():
            if not made.has_section(section):
                made.add_section(section)
            for name, value in options.items():
                made.set(section, name, str(value))
    return text(made)
