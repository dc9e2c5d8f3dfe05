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

"""Flattens an RBD image as Nova does, in a process of its own, step by step.

Reads numbers of objects, a line each; goes on until so many are behind, and
says so.
"""

from __future__ import annotations

import sys

import rados
import rbd


class Steps:

    def __init__(self) -> None:
        self._until = int(input())

    def reached(self, offset: int, total: int) -> int:
        # librbd waits for it, and begins no other object meanwhile.
        while offset >= self._until:
            print(offset, flush=True)
            self._until = int(input())
        return 0


def main(conf: str, user: str, pool: str, name: str) -> None:
    cluster = rados.Rados(conffile=conf, rados_id=user)
    cluster.conf_set('rbd_concurrent_management_ops', '1')
    cluster.connect()
    with cluster.open_ioctx(pool) as ioctx:
        with rbd.Image(ioctx, name) as image:
            image.flatten(Steps().reached)
    print('flattened', flush=True)
    cluster.shutdown()


if __name__ == '__main__':
    main(*sys.argv[1:])
