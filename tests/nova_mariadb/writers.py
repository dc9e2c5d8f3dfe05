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

"""Who writes to the databases beside what is tested, at the same time."""

# Before anything else of nova or oslo.
from tests.nova import base

import contextlib
import threading

from nova import context
from nova import objects

from tests.nova_mariadb import databases


class Beside(threading.Thread):
    """Work that goes on beside the test's own."""

    def __init__(self, work, *args):
        super().__init__(daemon=True)
        self._work = lambda: work(*args)
        self._error = None
        self.start()

    def run(self):
        try:
            self._result = self._work()
        except BaseException as exc:
            self._error = exc

    def result(self):
        """Return what came of it; raises what it has raised."""
        self.join(base.PATIENCE)
        if self.is_alive():
            raise AssertionError('it goes on and on')
        if self._error is not None:
            raise self._error
        return self._result


def together(function):
    """Return a function whose first call waits for that of another thread."""
    barrier = threading.Barrier(2, timeout=base.PATIENCE)
    met = set()

    def wrapper(*args):
        if threading.get_ident() not in met:
            met.add(threading.get_ident())
            barrier.wait()
        return function(*args)

    return wrapper


class Writers:
    """Comes before a test case: servers, and who else writes them."""

    def refused(self):
        """Return a server that a refused rebuild has left, and how it was."""
        server = self.create_server(base.A)
        before = self.metadata(server)
        self.refuse_rebuild(server)
        self.forget(server)
        return server, before

    def assert_healed(self, server, expected):
        self.assertEqual(expected, self.metadata(server))
        image = self.request_spec(server).image
        self.assertEqual((base.A, 'a'), (image.id, image.properties.os_distro))

    @contextlib.contextmanager
    def in_cell(self, server):
        with context.target_cell(context.get_admin_context(),
                                 self.cell_of(server)) as cctxt:
            yield cctxt

    @contextlib.contextmanager
    def compute_saves(self, server, metadata, **columns):
        """Save a server as nova-compute does; it is committed at the end."""
        with self.in_cell(server) as cctxt, \
                cctxt.db_connection.writer.using(cctxt):
            instance = objects.Instance.get_by_uuid(
                cctxt, server, expected_attrs=['system_metadata'])
            instance.system_metadata.update(metadata)
            instance.update(columns)
            instance.save()
            cctxt.session.flush()
            yield

    @contextlib.contextmanager
    def transaction(self, name):
        """Return a connection in a transaction, committed at the end."""
        with databases.connect(name) as connection:
            connection.begin()
            yield connection
            connection.commit()

    @contextlib.contextmanager
    def one_deadlock(self):
        before = databases.deadlocks()
        yield
        self.assertEqual(before + 1, databases.deadlocks())
