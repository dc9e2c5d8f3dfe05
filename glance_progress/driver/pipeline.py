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

"""The stock driver's add(), with its steps overlapped.

The stock add() reads a chunk, writes it and hashes it twice, one after the
other. Here the same function runs (its code object, from the installed
glance_store), with three names of its module standing for something else:

- ``rbd``: its images return from write() when the write has begun;
- ``utils``: its hash objects return from update() when the chunk is queued;
- ``any``: tells whether a chunk has data, at the speed of memory.

So what is stored, how, what is returned or raised and what is cleaned up is
what the installed release does, whichever it is. Nothing is replaced in
glance_store itself: others that use it do not notice. Where a release does
not look its names up in this way, its own add() is used as it is.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
import threading
import types
from typing import Any

from glance_store._drivers import rbd as stock

from glance_progress.driver import background
from glance_progress.driver import crowd
from glance_progress.driver import fence
from glance_progress.driver import upload
from glance_progress import process

#: Seconds between two looks at what has been written, and in a crowd, where
#: looking takes the processors from the others.
_TELL_INTERVAL = 0.2
_TELL_INTERVAL_IN_A_CROWD = 1.0

#: What add() has to use for this to work.
_NAMES = frozenset(('rbd', 'Image', 'write', 'utils', 'get_hasher'))

_ZEROS = bytes(64 * 1024)


def possible() -> bool:
    """Whether the installed driver and this process allow for it."""
    return (stock.rbd is not None and process.runs_threads()
            and _with_names(stock.Store.add, {}) is not None)


class Pipeline:
    """One upload with its steps overlapped.

    :param limit: number of chunks that may be held for writing or hashing
    :param attempt: the upload, which is told how far it is
    """

    def __init__(self, limit: int, attempt: upload.Upload) -> None:
        self._limit = limit
        self._attempt = attempt
        self._taken = 0
        self._writes: background.Writes | None = None
        self._hashers: list[background.Hasher] = []
        self._member = crowd.Member()
        self._ended = threading.Event()

    def add(
        self,
        store: stock.Store,
        image_id: str,
        image_file: Any,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Do what *store* does for the same arguments.

        No thread and no write outlives the call.
        """
        add = _with_names(stock.Store.add, {
            'rbd': _StandIn(stock.rbd, Image=self._open),
            'utils': _StandIn(stock.utils, get_hasher=self._get_hasher),
            'any': _any})
        metered = self._attempt.metered(image_file, self._take)
        teller = threading.Thread(
            target=self._tell, name='glance-progress-teller', daemon=True)
        try:
            teller.start()
        except RuntimeError:
            self._ended.set()  # no thread is left, and nothing to wait for
        try:
            return add(store, image_id, metered, *args, **kwargs)
        except Exception:
            if self._writes is not None and self._writes.raised:
                # Or not before the write.
                self._attempt.source_failed = False
            raise
        finally:
            self._ended.set()
            for hasher in self._hashers:
                hasher.abandon()
            if teller.ident is not None:
                teller.join()

    def _take(self, size: int) -> None:
        self._taken = size
        if not size:
            self._attempt.written(0)

    def _open(self, ioctx: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        image = stock.rbd.Image(ioctx, name, *args, **kwargs)
        self._writes = background.Writes(stock.rbd, image, name, self._limit)
        return _Image(image, self._writes, self._hashers,
                      lambda: self._check(ioctx))

    @staticmethod
    def _check(ioctx: Any) -> None:
        own = fence.current()
        if own is not None:
            own.check(ioctx)

    def _get_hasher(self, *args: Any, **kwargs: Any) -> Any:
        hasher = stock.utils.get_hasher(*args, **kwargs)
        if process.is_green():
            # threading makes no threads there, and one that waits for
            # another natively would wait for ever.
            return hasher
        self._hashers.append(
            background.Hasher(hasher, self._limit, self._member))
        return self._hashers[-1]

    def _tell(self) -> None:
        published = 0
        while not self._ended.wait(
                _TELL_INTERVAL_IN_A_CROWD if crowd.is_there()
                else _TELL_INTERVAL):
            taken, writes = self._taken, self._writes
            if writes is not None:
                completed = writes.completed(taken)
                if completed > published:
                    published = completed
                    self._attempt.written(published)


class _Image:
    """Stands in for an open rbd.Image.

    Whatever is asked of it except to write finds all writes done.
    """

    def __init__(self, image: Any, writes: background.Writes,
                 hashers: list[background.Hasher],
                 check: Callable[[], None]) -> None:
        self._image = image
        self._check = check
        self._writes = writes
        self._hashers = hashers
        self.write = writes.write

    def create_snap(self, *args: Any, **kwargs: Any) -> Any:
        """End the upload, if its RBD image has not been moved meanwhile.

        With the snapshot, which is protected, nobody could purge it.
        """
        self._writes.drain()
        self._check()
        return self._image.create_snap(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        self._writes.drain()
        return getattr(self._image, name)

    def __enter__(self) -> _Image:
        self._image.__enter__()
        return self

    def __exit__(self, kind: Any, exc: BaseException | None, tb: Any) -> Any:
        try:
            self._writes.settle()
            if exc is None:
                # Within the reach of add()'s own cleaning up, which a digest
                # that cannot be had afterwards is not.
                self._writes.check()
                for hasher in self._hashers:
                    hasher.finish()
                self._check()
            elif isinstance(exc, Exception) and not self._writes.raised:
                # Every write had begun before whatever else went wrong, so
                # the stock driver would have met its failure first.
                self._writes.check()
        finally:
            self._image.__exit__(kind, exc, tb)


class _StandIn:
    """Is like *module*, with some of its names replaced."""

    def __init__(self, module: Any, **replaced: Any) -> None:
        self._module = module
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def _with_names(function: Any, names: dict[str, Any]) -> Any:
    """Return *function* as if *names* were in the stock driver's module.

    Decorators around it are kept. None if it is no function of that module,
    or does not use the names that this depends on.
    """
    if not isinstance(function, types.FunctionType):
        return None
    namespace: dict[str, Any] = function.__globals__
    cells = function.__closure__ or ()
    if namespace is vars(stock):
        if not _NAMES.issubset(function.__code__.co_names):
            return None
        namespace = {**namespace, **names}
    else:
        inner = [_with_names(cell.cell_contents, names) for cell in cells]
        if not builtins.any(inner):
            return None
        cells = tuple(
            cell if new is None else types.CellType(new)
            for cell, new in zip(cells, inner))
    copy = types.FunctionType(
        function.__code__, namespace, function.__name__,
        function.__defaults__, cells or None)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _any(chunk: Any) -> bool:
    """Return any(chunk); a chunk of zeros takes 0.2 ms for 8 MiB."""
    if not isinstance(chunk, bytes):
        return builtins.any(chunk)
    whole = len(chunk) - len(chunk) % len(_ZEROS)
    return (builtins.any(not chunk.startswith(_ZEROS, at)
                         for at in range(0, whole, len(_ZEROS)))
            or builtins.any(chunk[whole:]))
