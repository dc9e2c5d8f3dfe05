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

"""Writes values for people; programs get them as glance-api answers."""

from __future__ import annotations

from typing import Any
from typing import TYPE_CHECKING

from cliff import columns

from glance_progress.cli import display
from glance_progress.osc import words
from glance_progress.records import wire

if TYPE_CHECKING:
    _Column = columns.FormattableColumn[Any]
else:  # in older releases of cliff it has no type argument
    _Column = columns.FormattableColumn

_UNKNOWN = '-'


class Name(_Column):
    """Writes a name as a terminal can show it, and None as ``-``."""

    def human_readable(self) -> str:
        return (_UNKNOWN if self._value is None
                else display.printable(self._value))


class Size(_Column):
    """Writes a size in bytes with its unit, and None as ``-``."""

    def human_readable(self) -> str:
        return _UNKNOWN if self._value is None else display.size(self._value)


class Percent(_Column):
    """Writes a percentage with one decimal, and None as ``-``."""

    def human_readable(self) -> str:
        return _UNKNOWN if self._value is None else '%.1f%%' % self._value


class Stores(_Column):
    """Writes a line for each store that glance-api answers for."""

    def human_readable(self) -> str:
        return '\n'.join(map(display.line, self._value))


class Failure(_Column):
    """Writes when, where and why an upload failed, and None as ``-``."""

    def human_readable(self) -> str:
        if self._value is None:
            return _UNKNOWN
        return '%s  %s  %s' % (
            self._value['updated_at_iso'], self._value['store'],
            display.printable(self._value['failure'] or ''))


class Reason(_Column):
    """Writes the reason of a failure, and None as ``-``."""

    def human_readable(self) -> str:
        return display.printable(self._value or _UNKNOWN)


class Hashed(_Column):
    """Writes how much Glance has read back to hash, and None as ``-``."""

    def human_readable(self) -> str:
        if self._value is None:
            return _UNKNOWN
        return display.numbers(
            {**self._value, 'bytes_written': self._value['bytes_read']})


class Time(_Column):
    """Writes seconds since the epoch as the Image API does, None as ``-``."""

    def human_readable(self) -> str:
        return _UNKNOWN if self._value is None else str(wire.iso(self._value))


class Text(_Column):
    """Writes a word of the API's as it is, and None as ``-``."""

    def human_readable(self) -> str:
        return _UNKNOWN if self._value is None else display.printable(
            str(self._value))


class YesNo(_Column):
    """Writes whether something is so, and None as ``-``."""

    def human_readable(self) -> str:
        return _UNKNOWN if self._value is None else (
            'yes' if self._value else 'no')


class Lock(_Column):
    """Writes since when an import holds an image, and None as ``-``."""

    def human_readable(self) -> str:
        return words.lock(self._value) or _UNKNOWN


class VolumeSnapshots(_Column):
    """Writes which volume snapshots hold the data, and None as ``-``."""

    def human_readable(self) -> str:
        if self._value is None:
            return _UNKNOWN
        return '%s: %s' % (words.IN_VOLUME_SNAPSHOTS, ', '.join(
            map(display.printable, self._value)))
