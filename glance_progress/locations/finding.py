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

"""What is wrong with how the services handle image locations, and ways out."""

from __future__ import annotations

import dataclasses
import enum


class Severity(enum.IntEnum):
    """The numbers are those of oslo.upgradecheck's Code."""

    WARNING = 1
    FAILURE = 2


@dataclasses.dataclass(frozen=True)
class Line:
    """An option to set; of a policy file, without a section."""

    file: str
    section: str
    option: str
    value: str

    def __str__(self) -> str:
        if self.section:
            return '%s = %s' % (self.option, self.value)
        return '"%s": "%s"' % (self.option, self.value)


@dataclasses.dataclass(frozen=True)
class Remedy:
    """One way out: when it is the right one, and the lines to change."""

    when: str
    lines: tuple[Line, ...] = ()


@dataclasses.dataclass(frozen=True)
class Finding:
    """What is wrong.

    :param code: names the kind of finding, for machines
    :param what: the settings that do not go together
    :param consequence: what happens to users
    :param remedies: ways out, each one of them enough
    """

    code: str
    severity: Severity
    what: str
    consequence: str
    remedies: tuple[Remedy, ...]

    def __str__(self) -> str:
        """Return it as lines, the remedies by file and section."""
        lines = [self.what + '.', self.consequence]
        for number, remedy in enumerate(self.remedies):
            lines.append('%s: %s' % ('Or' if number else 'Remedy',
                                     remedy.when))
            place = ('', '')
            for line in remedy.lines:
                if place != (line.file, line.section):
                    place = (line.file, line.section)
                    lines.append('  in %s:' % line.file)
                    if line.section:
                        lines.append('    [%s]' % line.section)
                lines.append('    %s' % line)
        return '\n'.join(lines)
