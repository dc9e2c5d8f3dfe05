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

"""What tools.bench.upload compares with: the machine, and a far Ceph."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
import pathlib
import platform
import subprocess
import time
from typing import Any

import rbd

from allinone.daemons import ceph

HASHES = ('md5', 'sha512')


class Limits:
    """Measures what no driver can do faster.

    :param cluster: a Ceph that runs
    :param pool: pool of RBD
    :param directory: holds a file of that size
    :param size: size in bytes
    """

    def __init__(
        self, cluster: ceph.Ceph, pool: str, directory: pathlib.Path,
        size: int,
    ) -> None:
        self._ceph = cluster
        self._pool = pool
        self._file = directory / 'image'
        self._size = size

    def __enter__(self) -> Limits:
        with open('/dev/urandom', 'rb') as source, \
                open(self._file, 'wb') as target:
            for _ in range(self._size >> 20):
                target.write(source.read(1 << 20))
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._file.unlink()

    def measure(self) -> Iterator[tuple[str, float]]:
        """Yield the name of each measurement, and its seconds."""
        hashes = [['openssl', 'dgst', '-' + name, str(self._file)]
                  for name in HASHES]
        store = self._rbd('import', str(self._file), 'limit', '--object-size',
                          '8M', '--no-progress')
        yield 'import and hashes at once', self._time(store, *hashes)
        self._remove()
        yield 'rbd import', self._time(store)
        self._remove()
        for line in hashes:
            yield line[2][1:], self._time(line)
        self._time(self._rbd('create', 'limit', '--object-size', '8M',
                             '--size', '%dM' % (self._size >> 20)))
        yield 'rbd bench, 8 MiB writes', self._time(self._rbd(
            'bench', 'limit', '--io-type', 'write', '--io-size', '8M',
            '--io-threads', '4', '--io-total', str(self._size)))
        self._remove()

    def _rbd(self, *args: str) -> list[str]:
        return ['rbd', '--pool', self._pool, *args]

    def _remove(self) -> None:
        self._time(self._rbd('rm', 'limit', '--no-progress'))

    def _time(self, *lines: list[str]) -> float:
        """Run commands at once and return the seconds that all took."""
        started = time.perf_counter()
        running = [subprocess.Popen(
            line, env=self._ceph.environment(), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL) for line in lines]
        for line, process in zip(lines, running):
            if process.wait():
                raise RuntimeError('failed: %s' % ' '.join(line))
        return time.perf_counter() - started


class _Late:
    """Is a completion that comes later than it does.

    :param completion: the binding's
    :param until: the moment, as time.monotonic() has it
    """

    def __init__(self, completion: Any, until: float) -> None:
        self._completion = completion
        self._until = until

    def __getattr__(self, name: str) -> Any:
        return getattr(self._completion, name)

    def is_complete(self) -> bool:
        return (time.monotonic() >= self._until
                and self._completion.is_complete())

    def wait_for_complete_and_cb(self) -> None:
        time.sleep(max(0, self._until - time.monotonic()))
        self._completion.wait_for_complete_and_cb()


def far_image(delay: float) -> type:
    """Return an rbd.Image to which each write takes *delay* s longer."""
    write, aio_write = rbd.Image.write, rbd.Image.aio_write

    def far_write(image: Any, *args: Any) -> Any:
        time.sleep(delay)
        return write(image, *args)

    def far_aio_write(image: Any, *args: Any) -> Any:
        until = time.monotonic() + delay
        return _Late(aio_write(image, *args), until)

    return type('Image', (rbd.Image,),
                {'write': far_write, 'aio_write': far_aio_write})


def versions() -> str:
    """Return what is compared on what, in a line."""
    installed = subprocess.run(
        ['rbd', '--version'], capture_output=True, text=True).stdout
    return 'glance_store %s, %s, Python %s' % (
        metadata.version('glance_store'),
        ' '.join(installed.split()[:3]), platform.python_version())
