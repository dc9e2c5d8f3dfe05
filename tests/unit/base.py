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

"""What the unit tests share: configurations, records and servers."""

import os
import signal
import socket
import subprocess
import threading

import fixtures
import hypothesis
from oslo_config import cfg
import testtools

from glance_progress.records import wire

IMAGE = '7a1c5f0e-9f4b-4d0e-8f1e-2b1f6c0d9a55'

#: Seconds after which a test that waits for an event gives up.
PATIENCE = 20

# The same examples each time, so that a change is judged by itself. A few tell
# whether old libraries do what new ones do, and whoever looks for more of them
# sets HYPOTHESIS_PROFILE=explore.
hypothesis.settings.register_profile(
    'unit', database=None, deadline=None, max_examples=100, derandomize=True)
hypothesis.settings.register_profile(
    'few', database=None, deadline=None, max_examples=20, derandomize=True)
hypothesis.settings.register_profile(
    'explore', database=None, deadline=None, max_examples=10000)
hypothesis.settings.load_profile(
    os.environ.get('HYPOTHESIS_PROFILE', 'unit'))

#: How many a test has; some take more.
EXAMPLES = hypothesis.settings.default.max_examples


def a_record(**fields):
    return wire.Record(**{
        'image_id': IMAGE, 'store': 'ceph', 'state': wire.UPLOADING,
        'bytes_written': 250, 'total_bytes': 1000, 'started_at': 1000.0,
        'updated_at': 1010.0, 'sequence': 1, **fields})


def with_output_closed(command):
    """Run a program as before ``| true``; it has returncode and stderr."""
    source, target = os.pipe()
    os.close(source)
    with open(target, 'w') as output:
        return subprocess.run(
            command, stdout=output, stderr=subprocess.PIPE, text=True)


def in_child(function):
    """Return the text that *function* returns in a forked process."""
    source, target = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            signal.alarm(PATIENCE)  # a deadlock must not outlive the test
            os.write(target, function().encode())
        finally:
            os._exit(0)
    os.close(target)
    with open(source) as answer:
        text = answer.read()
    os.waitpid(pid, 0)
    return text


class Server(fixtures.Fixture):
    """A server on loopback that behaves as *behave* does.

    :param behave: called in a thread of its own with each connection, as a
        file; when it returns, the connection is closed
    """

    def __init__(self, behave=None, address=('127.0.0.1', 0)):
        self._behave = behave or self._memcached
        self._address = address
        self._connections = []
        self.changed = threading.Condition()
        self.accepted = 0
        self.commands = []
        self.values = {}

    def _setUp(self):
        self.start()
        self.addCleanup(self.stop)

    def start(self):
        family = (socket.AF_INET if isinstance(self._address, tuple)
                  else socket.AF_UNIX)
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(self._address)
        self._listener.listen()
        self._address = self._listener.getsockname()
        threading.Thread(
            target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self):
        """Refuse connections, and close those that there are."""
        for sock in [self._listener] + self._connections:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()
        self._connections = []

    @property
    def address(self):
        if isinstance(self._address, tuple):
            return '%s:%d' % self._address
        return 'unix:' + self._address

    def wait_for(self, condition):
        with self.changed:
            return self.changed.wait_for(lambda: condition(self), PATIENCE)

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            with self.changed:
                self.accepted += 1
                self.changed.notify_all()
            threading.Thread(
                target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with connection, connection.makefile('rwb') as stream:
                self._behave(stream)
        except OSError:
            pass

    def _memcached(self, stream):
        for line in stream:
            command, *words = line.decode().split()
            if command in ('set', 'add'):
                key, _, ttl, size = words
                value = stream.read(int(size) + 2)[:-2]
                self.commands.append((command, key, int(ttl)))
                if command == 'add' and key in self.values:
                    stream.write(b'NOT_STORED\r\n')
                else:
                    self.values[key] = value
                    stream.write(b'STORED\r\n')
            elif command == 'delete':
                self.values.pop(words[0])
                stream.write(b'DELETED\r\n')
            else:
                self.commands.append((command, *words))
                for key in self.values.keys() & set(words):
                    stream.write(b'VALUE %s 0 %d\r\n%s\r\n' % (
                        key.encode(), len(self.values[key]),
                        self.values[key]))
                stream.write(b'END\r\n')
            stream.flush()


def silent(stream):
    """Take a request and never answer."""
    while stream.readline():
        pass


def answering(answer):
    """Answer each connection's first request with *answer* and hang up."""
    def behave(stream):
        if stream.readline().startswith((b'set', b'add')):
            stream.readline()
        stream.write(answer)
        stream.flush()
    return behave


class TestCase(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())

    def config(self, text=''):
        """Return the options of a file that contains *text*."""
        path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'glance-api.conf')
        with open(path, 'w') as file:
            file.write(text)
        conf = cfg.ConfigOpts()
        conf(args=[], default_config_files=[path])
        return conf

    def patch(self, name, value):
        self.useFixture(fixtures.MonkeyPatch(name, value))

    def in_thread(self, function, *args):
        """Start *function*; the result is a function that waits for it."""
        results = []
        thread = threading.Thread(
            target=lambda: results.append(function(*args)), daemon=True)
        thread.start()

        def join():
            thread.join(PATIENCE)
            return results[0]
        return join


class Clock(fixtures.Fixture):
    """Stands in for the time module in *module*, and stands still.

    Waiting for real would take a test the seconds that it is about.
    """

    def __init__(self, module):
        self._module = module
        self.now = 1000000.0

    def _setUp(self):
        self.useFixture(fixtures.MonkeyPatch(self._module + '.time', self))

    def time(self):
        return self.now

    def monotonic(self):
        return self.now

    def time_ns(self):
        return int(self.now * 1e9)
