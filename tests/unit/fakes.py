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

"""A binding whose images are slow, forgetful and failing, and slow hashes."""

import threading

from tests.unit import base


class Completion:

    def __init__(self, image, data, offset, result):
        self.image, self.data, self.offset = image, data, offset
        self.result = result
        self.done = threading.Event()

    def complete(self):
        if not self.done.is_set():
            if self.result >= 0:
                self.image.store(self.data, self.offset)
            self.image.flying.remove(self)
            self.done.set()

    def is_complete(self):
        return self.done.is_set()

    def wait_for_complete_and_cb(self):
        # Others may complete before the one that is waited for.
        for other in self.image.next_to_complete(self):
            other.complete()
        if not self.done.wait(base.PATIENCE):
            raise AssertionError('nobody completes the write')

    def get_return_value(self):
        return self.result


class Image:
    """Stands in for rbd.Image.

    :param fails: offset -> error number of the write there
    :param order: called with the number of writes in flight, returns
        which of them completes next
    """

    def __init__(self, size, fails=(), order=lambda count: 0):
        self.content = bytearray(size)
        self.fails = dict(fails)
        self.order = order
        self.flying = []
        self.most = 0
        self.closed = False
        self.calls = []

    def next_to_complete(self, awaited):
        while not awaited.is_complete():
            yield self.flying[self.order(len(self.flying))]

    def store(self, data, offset):
        self.content[offset:offset + len(data)] = data

    def size(self):
        return len(self.content)

    def write(self, data, offset):
        self.calls.append(('write', offset, len(self.flying)))
        if not isinstance(data, bytes) or offset + len(data) > self.size():
            raise rbd.IncompleteWriteError('made up')
        if offset in self.fails:
            raise rbd.OSError('made up', errno=self.fails[offset])
        self.store(data, offset)
        return len(data)

    def aio_write(self, data, offset, oncomplete):
        assert oncomplete is not None
        assert not self.closed
        completion = Completion(
            self, data, offset, -self.fails.get(offset, 0))
        self.flying.append(completion)
        self.most = max(self.most, len(self.flying))
        return completion

    def resize(self, size):
        self.calls.append(('resize', size, len(self.flying)))
        self.content = self.content[:size].ljust(size, b'\0')

    def create_snap(self, name):
        self.calls.append(('create_snap', name, len(self.flying)))

    def protect_snap(self, name):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.calls.append(('close', None, len(self.flying)))
        self.closed = True


class rbd:
    """Stands in for the binding."""

    class Error(Exception):
        def __init__(self, message, errno=None):
            super().__init__(message)
            self.errno = errno

    class OSError(Error):
        pass

    class NoSpace(OSError):
        pass

    class Timeout(OSError):
        pass

    class InvalidArgument(OSError):
        pass

    class IncompleteWriteError(OSError):
        pass

    class ImageExists(OSError):
        pass


class Hash:
    """A hash object that eats only when it is told to."""

    def __init__(self):
        self.may_eat = threading.Semaphore(0)
        self.begun = threading.Event()
        self.eaten = []

    def update(self, chunk):
        self.begun.set()
        assert self.may_eat.acquire(timeout=base.PATIENCE)
        self.eaten.append(chunk)

    def hexdigest(self):
        return b''.join(self.eaten).hex()


class Broken(Hash):
    def update(self, chunk):
        raise BufferError('hash')


def ours():
    return {thread.name for thread in threading.enumerate()
            if thread.name in ('glance-progress-hash',
                               'glance-progress-teller')}
