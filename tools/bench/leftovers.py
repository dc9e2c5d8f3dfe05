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

"""Measures ``glance-progress leftovers`` on many images.

    python -m tools.bench.leftovers DIRECTORY [IMAGES]

A new DIRECTORY takes all files. Each image has a row, with five properties and
a location, and an RBD image; one in a thousand was deleted, and its RBD image
stayed. The two looks follow each other at once.
"""

from __future__ import annotations

import concurrent.futures
import datetime
import pathlib
import resource
import subprocess
import sys
import time
from typing import Any
import uuid

from glance.db.sqlalchemy import models
import portpicker
import rados
import rbd
import sqlalchemy

from allinone.daemons import ceph
from allinone.daemons import glance
from allinone.daemons import glance_database
from allinone.daemons import mariadb

_RUN = ('import sys; from glance_progress.leftovers import search; '
        'search.BETWEEN_LOOKS = 0; '
        'from glance_progress.cmd import leftovers; '
        'sys.exit(leftovers.main(sys.argv[1:]))')


def _make_rbd(cluster: ceph.Ceph, ids: list[str]) -> None:
    client = rados.Rados(conffile=str(cluster.client_conf), rados_id='glance')
    client.connect()
    ioctx = client.open_ioctx('images')
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: rbd.RBD().create(
            ioctx, name, 2 ** 20, old_format=False, features=1), ids))
    ioctx.close()
    client.shutdown()


def _make_rows(connection: str, fsid: str, ids: list[str]) -> None:
    now = datetime.datetime(2026, 1, 1)
    common: dict[str, Any] = {'created_at': now, 'updated_at': now}
    with sqlalchemy.create_engine(connection).begin() as database:
        for at in range(0, len(ids), 1000):
            page = ids[at:at + 1000]
            gone = {each for each in page if int(each[:8], 16) % 1000 == 0}
            database.execute(models.Image.__table__.insert(), [{
                **common, 'id': each, 'status': 'deleted' if each in gone
                else 'active', 'deleted': each in gone, 'visibility':
                'shared', 'min_disk': 0, 'min_ram': 0, 'protected': False,
                'os_hidden': False, 'size': 1} for each in page])
            database.execute(models.ImageLocation.__table__.insert(), [{
                **common, 'image_id': each, 'deleted': each in gone,
                'status': 'deleted' if each in gone else 'active',
                'value': 'rbd://%s/images/%s/snap' % (fsid, each),
                'meta_data': {'store': 'ceph'}} for each in page])
            database.execute(models.ImageProperty.__table__.insert(), [{
                **common, 'image_id': each, 'deleted': False,
                'name': 'property%d' % number, 'value': 'x'}
                for each in page for number in range(5)])


def main(directory: str, images: str = '20000') -> None:
    here = pathlib.Path(directory)
    venv = pathlib.Path(sys.prefix)
    with ceph.Ceph(here / 'ceph') as cluster, mariadb.MariaDb(
            here / 'mariadb', portpicker.pick_unused_port(), {}) as server:
        server.wait_ready()
        cluster.create_pool('images')
        cluster.create_user('glance', ['images'])
        api = glance.GlanceApi(
            here / 'glance', venv,
            stores={'ceph': {'type': 'rbd_progress', 'pool': 'images'}},
            ceph_client_conf=cluster.client_conf,
            database=glance_database.InMariaDb(server, 'glance_bench'))
        api.prepare()
        ids = [str(uuid.uuid4()) for _ in range(int(images))]
        began = time.monotonic()
        _make_rbd(cluster, ids)
        _make_rows(api.database.connection, cluster.fsid, ids)
        print('made in %.0f s' % (time.monotonic() - began), flush=True)
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, '-c', _RUN, '--config-file', str(api.conf),
             '--older-than', '0'],
            stdout=subprocess.PIPE, text=True)
        seconds = time.monotonic() - began
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        print('%s images: %d found, status %d, %.1f s, %d MiB at most' % (
            images, done.stdout.count('left behind'), done.returncode,
            seconds, peak // 1024))


if __name__ == '__main__':
    main(*sys.argv[1:])
