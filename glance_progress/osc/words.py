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
"""Says in words what goes on, what is waited for, and what holds an image."""

from __future__ import annotations

from typing import Any

from glance_progress.cli import display

_WAITS = {
    'data': 'waiting for data',
    'source': 'waiting for the source',
    'import': 'waiting for the import call',
    'worker': 'waiting for Glance to begin the import',
}

#: Of an image that has no data of its own
IN_VOLUME_SNAPSHOTS = 'no data go to Glance, volume snapshots hold them'

# What the status of an image does not say
_PHASES = ('decompressing', 'converting', 'verifying', 'hashing')


def state(snapshot: dict[str, Any]) -> str:
    """Return the status of an image, and what goes on as far as that is more.

    Such as ``importing (converting)``.
    """
    status, phase = snapshot['status'], snapshot['phase']
    if phase in _PHASES:
        return '%s (%s)' % (status, phase)
    # An image is active as soon as it is in one store.
    if status == 'active' and phase != 'done':
        return 'active (copying)'
    return str(status)


def waiting(snapshot: dict[str, Any]) -> str | None:
    """Return what an image waits for, and since when; None for nothing.

    The time is the server's, since the clock of this machine may be wrong.
    """
    what = snapshot.get('waiting_for')  # a server of before has none
    if what is None:
        return None
    words = _WAITS.get(what, 'waiting for ' + display.printable(str(what)))
    since = snapshot.get('waiting_since_iso')
    return words if since is None else '%s since %s' % (words, clock(since))


def lock(import_lock: dict[str, Any] | None) -> str | None:
    """Return what is to be said of the lock of an import, None for nothing."""
    if import_lock is None:
        return None
    words = []
    if import_lock['worker_gone']:
        words.append('the process that imported it has ended')
    elif import_lock['last_sign_of_life_iso'] is not None:
        words.append('its import has given no sign of life since %s'
                     % import_lock['last_sign_of_life_iso'])
    if import_lock['free_at_iso'] is None:
        words.append('it takes no other import')
    else:
        words.append('another import can begin at %s'
                     % import_lock['free_at_iso'])
    return ', '.join(words)


def beside(snapshot: dict[str, Any]) -> str:
    """Return what is to be said beside the state, each in parts of its own."""
    held = snapshot.get('import_lock')
    abandoned = held is not None and held['worker_gone']
    silent = snapshot.get('silent_since_iso')
    parts = [waiting(snapshot), lock(held) if abandoned else None,
             None if silent is None else 'nothing is known of the upload '
             'since ' + clock(silent),
             IN_VOLUME_SNAPSHOTS if snapshot.get('volume_snapshots')
             else None]
    return ''.join(', ' + part for part in parts if part is not None)


def clock(iso: str) -> str:
    """Return what the Image API writes for a time as people read it."""
    return display.printable(iso.replace('T', ' ').replace('Z', ' UTC'))
