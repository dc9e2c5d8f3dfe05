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

"""glance-api, to which a conversion takes long."""

from __future__ import annotations

import os
import pathlib

from allinone.daemons import glance
from tests.functional import services

# Converts as the real one does, 8 MiB a second.
_SLOW_QEMU_IMG = """#!/bin/sh
if [ "$1" = convert ]; then
  shift
  set -- convert -r 8M "$@"
fi
exec /usr/bin/qemu-img "$@"
"""


class _Slow:
    """A Glance that finds a slow qemu-img on its PATH."""

    directory: pathlib.Path

    def environment(self) -> dict[str, str]:
        programs = pathlib.Path(self.directory) / 'bin'
        programs.mkdir(parents=True, exist_ok=True)
        (programs / 'qemu-img').write_text(_SLOW_QEMU_IMG)
        (programs / 'qemu-img').chmod(0o755)
        environment: dict[str, str] = super().environment()  # type: ignore
        path = environment.get('PATH', os.environ['PATH'])
        return {**environment, 'PATH': '%s:%s' % (programs, path)}


class SlowConversion(_Slow, glance.GlanceApi):
    """Today's, with a slow qemu-img."""

    def environment(self) -> dict[str, str]:
        return {**super().environment(), 'PYTHONPATH': str(services.PROJECT)}


class SlowDebianConversion(_Slow, glance.DebianGlanceApi):
    """Debian's, with a slow qemu-img."""
