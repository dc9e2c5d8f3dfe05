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

"""What tools.bench.upload and tools.bench.memory upload, and to where."""

from __future__ import annotations

import os
import pathlib

import glance_store
from oslo_config import cfg

MiB = 1024 * 1024
POOL = 'images'


class Source:
    """Is an image file of random data that costs no time to make.

    :param size: size in bytes
    :param zeros: how many of ten chunks are zeros
    """

    _buffers = [os.urandom(8 * MiB) for _ in range(4)]

    def __init__(self, size: int, zeros: int = 0) -> None:
        self._left = size
        self._zeros = zeros
        self._reads = 0

    def read(self, size: int = MiB) -> bytes:
        size = min(size, self._left)
        self._left -= size
        self._reads += 1
        if self._reads % 10 < self._zeros:
            return bytes(size)
        whole = self._buffers[self._reads % len(self._buffers)]
        # A copy, as every read from a socket makes one.
        return bytes(memoryview(whole)[:size])


def load(path: pathlib.Path) -> cfg.ConfigOpts:
    """Return the options of a configuration file."""
    conf = cfg.ConfigOpts()
    glance_store.register_opts(conf)
    conf(args=[], default_config_files=[str(path)])
    return conf
