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

"""What the benchmarks run on."""

from __future__ import annotations

import contextlib
import pathlib
from typing import Any

from allinone.daemons import ceph
from allinone.daemons import memcached
from tools.bench import source


class Services:
    """Runs a Ceph with a pool, and a memcached.

    :param directory: holds all files
    :param size: size of each image in bytes
    :param runs: number of runs of which there is a median
    """

    def __init__(self, directory: pathlib.Path, size: int, runs: int) -> None:
        self._directory = directory
        self._size = size
        self._runs = runs
        self.ceph = ceph.Ceph(directory / 'ceph')
        self.memcached = memcached.Memcached(directory)
        self._ended = contextlib.ExitStack()

    def __enter__(self) -> Any:
        self._ended.callback(self.ceph.stop)
        self.ceph.start()
        self.ceph.create_pool(source.POOL)
        self.ceph.create_user('glance', [source.POOL])
        self._ended.enter_context(self.memcached)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._ended.close()
