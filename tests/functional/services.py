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

"""The services that all functional tests of a run share, started once."""

from __future__ import annotations

import atexit
import fcntl
import functools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import portpicker

import allinone.daemons.ceph
import allinone.daemons.mariadb
import allinone.daemons.memcached

#: The source of this package.
PROJECT = pathlib.Path(__file__).parents[2]

#: The user by whose name Glance's stores know themselves to Ceph.
CEPH_USER = 'glance'

#: A user who may also read where servers keep their disks, and one who writes
#: there, as Nova does.
READER = 'reader'
NOVA = 'nova'

POOL = 'images'
SECOND_POOL = 'second'
THIRD_POOL = 'third'
POOLS = (POOL, SECOND_POOL, THIRD_POOL)

#: Where servers keep their disks.
SERVERS_POOL = 'vms'


@functools.cache
def directory() -> pathlib.Path:
    """Return where the services keep their files, for this run only."""
    parent = os.environ.get('GLANCE_PROGRESS_TEST_DIR')
    path = tempfile.mkdtemp(prefix='gp-', dir=parent)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return pathlib.Path(path)


@functools.cache
def ceph() -> allinone.daemons.ceph.Ceph:
    """Return the Ceph, with POOLS and a user who may use them."""
    cluster = allinone.daemons.ceph.Ceph(directory() / 'ceph')
    atexit.register(cluster.stop)
    cluster.start()
    for pool in POOLS:
        cluster.create_pool(pool)
    cluster.create_user(CEPH_USER, POOLS)
    return cluster


@functools.cache
def ceph_of_nova() -> allinone.daemons.ceph.Ceph:
    """Return the Ceph, with SERVERS_POOL as well, and READER and NOVA."""
    cluster = ceph()
    cluster.create_pool(SERVERS_POOL)
    cluster.create_user(READER, POOLS, readable=[SERVERS_POOL])
    cluster.create_user(NOVA, [*POOLS, SERVERS_POOL])
    return cluster


@functools.cache
def wheel() -> pathlib.Path:
    """Return this project as pip would install it."""
    # Each worker has a directory of its own in that of the run.
    built = pathlib.Path(
        os.environ.get('GLANCE_PROGRESS_TEST_DIR', directory())) / 'wheel'
    with open(PROJECT / 'setup.cfg') as lock:
        # It is built within the tree, where the other worker may be at it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            subprocess.run(
                [sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps',
                 '--wheel-dir', built, PROJECT], check=True)
    path, = built.iterdir()
    return path


def make_debian_venv(venv: pathlib.Path) -> None:
    """Make an environment with Debian's Glance and, from pip, ours."""
    subprocess.run(['/usr/bin/python3', '-m', 'venv',
                    '--system-site-packages', venv], check=True)
    subprocess.run([venv / 'bin' / 'pip', 'install', '--quiet', wheel()],
                   check=True)


@functools.cache
def debian_venv() -> pathlib.Path:
    """Return the environment of this run with Debian's Glance."""
    venv = directory() / 'debian-venv'
    make_debian_venv(venv)
    return venv


@functools.cache
def clients_venv() -> pathlib.Path:
    """Return an environment with Cinder's and Nova's clients of Glance."""
    made = subprocess.run(
        ['bash', '-c', '. tools/lib.sh && make_venv cinder-nova-2026.2'],
        cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True)
    return pathlib.Path(made.stdout.strip())


@functools.cache
def released_venv(release: str) -> pathlib.Path:
    """Return an environment with a Glance that still has its own script."""
    made = subprocess.run(
        ['bash', '-c', '. tools/lib.sh && released_glance_venv ' + release],
        cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True)
    return pathlib.Path(made.stdout.strip())


@functools.cache
def mariadb() -> allinone.daemons.mariadb.MariaDb:
    """Return a MariaDB for the Glances of the run."""
    server = allinone.daemons.mariadb.MariaDb(
        directory() / 'mariadb', portpicker.pick_unused_port(), {})
    atexit.register(server.stop)
    server.start()
    server.wait_ready()
    return server


@functools.cache
def memcached() -> allinone.daemons.memcached.Memcached:
    """Return a memcached that is well throughout the run."""
    server = allinone.daemons.memcached.Memcached(directory() / 'memcached')
    atexit.register(server.stop)
    server.start()
    server.wait_ready()
    return server
