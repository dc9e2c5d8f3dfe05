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

"""What the functional tests have in common."""

from __future__ import annotations

from collections.abc import Callable
import faulthandler
import io
import pathlib
import random
import re
import subprocess
import tempfile
import time
from typing import Any
import uuid

import fixtures
import glance_store
from glance_store._drivers import rbd as stock
from oslo_config import cfg
import rados
import rbd
import testtools

from glance_progress.driver import store as progress
from glance_progress import fixture
from glance_progress.records import memcached
from glance_progress.records import reader
from glance_progress.records import store_names
from glance_progress.records import wire
from tests.functional import services

MiB = 1024 * 1024

#: Seconds that no test takes. One that waits in librados for a Ceph that is
#: gone can be ended in no other way than with its process.
HANGS = 300

#: Values of writes_in_flight
MODES = [('serial', {'writes_in_flight': 0}),
         ('overlapped', {'writes_in_flight': 4})]

DRIVERS = {'rbd': stock.Store, 'rbd_progress': progress.Store}


def data(size: int, seed: int = 0) -> bytes:
    """Return *size* bytes that look like nothing else."""
    return random.Random(seed).randbytes(size)


class Body(io.BytesIO):
    """An image file that calls *at_read* with its number at each read."""

    def __init__(
        self, content: bytes, at_read: Callable[[int], None] | None = None
    ) -> None:
        super().__init__(content)
        self._at_read = at_read
        self._reads = 0

    def read(self, *args: Any) -> bytes:
        if self._at_read:
            self._at_read(self._reads)
        self._reads += 1
        return super().read(*args)


class TestCase(testtools.TestCase):
    """Has the Ceph of the run, with a pool for images."""

    def setUp(self) -> None:
        super().setUp()
        faulthandler.dump_traceback_later(HANGS, exit=True)
        self.addCleanup(faulthandler.cancel_dump_traceback_later)
        self.useFixture(fixtures.FakeLogger())
        self.ceph = services.ceph()
        # Each test is a process of its own as far as the package can tell.
        self.process = self.useFixture(fixture.Process())

    def wait_for(
        self, condition: Callable[[], Any], timeout: float = 60
    ) -> Any:
        """Return what *condition* returns once that is true."""
        began = time.monotonic()
        while (waited := time.monotonic() - began) < timeout:
            result = condition()
            if result:
                return result
            # What takes long need not be looked for often: to look takes the
            # processors from those who are waited for.
            time.sleep(min(max(0.02, waited / 20), 0.2))
        self.fail('waited %s s in vain for %s' % (timeout, condition))

    def wait_line(self, process: subprocess.Popen[str], pattern: str) -> str:
        """Read what a command prints until a line has *pattern*."""
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if re.search(pattern, line):
                return line
        self.fail('no %r in %s' % (pattern, lines))

    def conf_file(self, **sections: dict[str, Any]) -> pathlib.Path:
        """Write a configuration file, a keyword a section."""
        path = pathlib.Path(tempfile.mkdtemp(dir=services.directory()))
        lines = []
        for section, options in sections.items():
            lines.append('[%s]' % section)
            lines += ['%s = %s' % item for item in options.items()]
        path = path / 'glance-api.conf'
        path.write_text('\n'.join(lines) + '\n')
        return path

    def conf(
        self, servers: str = '127.0.0.1:1', chunk_mib: int = 1,
        store: dict[str, Any] | None = None, **section: Any,
    ) -> cfg.ConfigOpts:
        """Return the options of a Glance with one store in Ceph."""
        path = self.conf_file(
            glance_store={
                'rbd_store_pool': services.POOL,
                'rbd_store_user': services.CEPH_USER,
                'rbd_store_ceph_conf': self.ceph.client_conf,
                'rbd_store_chunk_size': chunk_mib,
                **(store or {}),
            },
            glance_progress={'memcached_servers': servers, **section})
        conf = cfg.ConfigOpts()
        glance_store.register_opts(conf)
        conf(args=[], default_config_files=[str(path)])
        return conf

    def store(
        self, conf: cfg.ConfigOpts, driver: str = 'rbd_progress'
    ) -> stock.Store:
        """Return a store as glance_store makes one for each upload."""
        store = DRIVERS[driver](conf)
        store.configure(re_raise_bsc=True)
        return store

    def image_id(self) -> str:
        return str(uuid.uuid4())

    def record(
        self, conf: cfg.ConfigOpts, image_id: str,
        store: str = store_names.UNNAMED,
    ) -> wire.Record | None:
        """Return what memcached holds, read through a client of its own."""
        found = reader.Reader(memcached.from_conf(conf)).read(
            [image_id], [store])
        return (found or {}).get((image_id, store))

    def ioctx(self, pool: str = services.POOL) -> Any:
        """Return an I/O context on a pool, closed after the test."""
        cluster = rados.Rados(
            conffile=str(self.ceph.client_conf),
            rados_id=services.CEPH_USER)
        cluster.connect()
        self.addCleanup(cluster.shutdown)
        ioctx = cluster.open_ioctx(pool)
        self.addCleanup(ioctx.close)
        return ioctx

    def rbd_content(
        self, image_id: str, snapshot: str = 'snap',
        pool: str = services.POOL,
    ) -> bytes:
        """Return the bytes that Ceph holds for an image."""
        with rbd.Image(self.ioctx(pool), image_id, snapshot=snapshot,
                       read_only=True) as image:
            return image.read(0, image.size())
