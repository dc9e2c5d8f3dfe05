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

"""A glance-api whose clock can be set, and nobody else's with it.

libfaketime 0.9.10, Debian 12's, is no help: it sets the monotonic clock, too,
or has every ``time.sleep()`` fail with EINVAL.
"""

from __future__ import annotations

import pathlib
import struct
import subprocess
from typing import Any

_SOURCE = pathlib.Path(__file__).with_name('clock.c')


class Clocked:
    """Adds a clock to a service."""

    def start(self: Any) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._clock = self.directory / 'clock'
        self._clock.write_bytes(bytes(8))
        subprocess.run(
            ['cc', '-O2', '-Wall', '-shared', '-fPIC', '-o',
             self.directory / 'clock.so', _SOURCE, '-ldl'], check=True)
        super().start()

    def environment(self: Any) -> dict[str, str]:
        return {**super().environment(),
                'LD_PRELOAD': str(self.directory / 'clock.so'),
                'CHAOS_CLOCK': str(self._clock)}

    def set_clock(self: Any, offset: int) -> None:
        """Have it be so many seconds later there, from now on."""
        with open(self._clock, 'r+b') as clock:
            clock.write(struct.pack('=q', offset))
