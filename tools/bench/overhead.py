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

"""What our driver adds to an upload, where nothing else costs anything.

    tools/run-bench.sh overhead [--size MIB] [--runs N] [CASE...]

The source gives the same chunk each time, the hashes forget what they are
given, and Ceph is none: each write is done at once. What is left is the time
of the processor that the drivers themselves take, ours with the progress that
it sends to a real memcached. It does not depend on how many processors there
are, nor on what else they do, and scales with how fast they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
import contextlib
import dataclasses
import logging
import pathlib
import resource
import statistics
import tempfile
import time
from typing import Any
from unittest import mock
import uuid

from glance_store._drivers import rbd as stock

from allinone.daemons import memcached
from glance_progress.driver import store
from glance_progress.records import publisher
from tools.bench import cases
from tools.bench import driver
from tools.bench import source

MiB = source.MiB

CASES = ('one', 'four', 'sixteen')
_AT_ONCE = {'one': 1, 'four': 4, 'sixteen': 16}


class _Source:
    """Is an image file of one chunk, again and again.

    :param size: in bytes, a multiple of the chunk's
    """

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int) -> bytes:
        self._left -= size
        return _chunk(size) if self._left >= 0 else b''


_chunks: dict[int, bytes] = {}


def _chunk(size: int) -> bytes:
    return _chunks.setdefault(size, bytes(size))


class _Hasher:

    def update(self, chunk: bytes) -> None:
        pass

    def hexdigest(self) -> str:
        return '0'


class _Done:
    """Is a completion of a write that is done."""

    def is_complete(self) -> bool:
        return True

    def wait_for_complete_and_cb(self) -> None:
        pass

    def get_return_value(self) -> int:
        return 0


class _Image(mock.MagicMock):
    """Stands for rbd.Image; what a write calls is no mock, which costs."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def __enter__(self) -> _Image:
        return self

    def __exit__(self, *exc_info: object) -> None:
        pass

    def size(self) -> int:
        return 2 ** 60

    def write(self, data: bytes, offset: int, *args: Any) -> int:
        return len(data)

    def aio_write(self, *args: Any) -> _Done:
        return _Done()


@contextlib.contextmanager
def _connection(*args: Any, **kwargs: Any) -> Iterator[Any]:
    yield mock.MagicMock()


@contextlib.contextmanager
def free() -> Iterator[None]:
    """Have uploads cost what the driver costs."""
    with contextlib.ExitStack() as stack:
        for owner, name, value in (
                (stock.Store, 'get_connection', _connection),
                (stock.Store, '_create_image',
                 lambda *args, **kwargs: mock.MagicMock()),
                (stock.rbd, 'Image', _Image),
                (stock.utils, 'get_hasher', lambda *args: _Hasher())):
            stack.enter_context(mock.patch.object(owner, name, value))
        yield


@dataclasses.dataclass
class Cost:
    """What uploads have cost.

    :param cpu: seconds of the processor
    :param peak: bytes that the process has held at most, so far
    """

    cpu: float
    peak: int


def upload(
    kind: type[stock.Store], conf: Any, size: int, at_once: int
) -> Cost:
    """Upload so many images at once."""
    stores = [kind(conf) for _ in range(at_once)]
    for each in stores:
        each.configure(re_raise_bsc=True)
    started = time.process_time()
    with futures.ThreadPoolExecutor(at_once) as executor:
        list(executor.map(lambda each: each.add(
            str(uuid.uuid4()), _Source(size), size, 'sha512'), stores))
    publisher.flush(5)
    return Cost(time.process_time() - started, 1024 * resource.getrusage(
        resource.RUSAGE_SELF).ru_maxrss)


def compare(conf: Any, name: str, size: int, runs: int) -> None:
    """Print what each driver takes of the processor for a MiB."""
    costs: dict[type[stock.Store], list[float]] = {
        stock.Store: [], store.Store: []}
    at_once = _AT_ONCE[name]
    for number in range(-1, runs):  # the first pair warms up
        order = list(costs)
        for kind in order if number % 2 else reversed(order):
            cost = upload(kind, conf, size // at_once, at_once)
            if number >= 0:
                costs[kind].append(cost.cpu / (size / MiB))
    first, second = (1e6 * statistics.median(each)
                     for each in costs.values())
    print('%-8s stock %6.1f us a MiB, ours %6.1f us, more %6.1f us' % (
        name, first, second, second - first), flush=True)


def main() -> None:
    args = cases.arguments('overhead', __doc__ or '', CASES, 5)
    logging.disable(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix='gp-bench-') as directory:
        here = pathlib.Path(directory)
        with memcached.Memcached(here) as server, free():
            path = here / 'glance-api.conf'
            path.write_text('[glance_progress]\nmemcached_servers = %s\n'
                            % server.address)
            driver.forget_client()
            for name in args.cases or CASES:
                compare(source.load(path), name, args.size * MiB, args.runs)


if __name__ == '__main__':
    main()
