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

"""Whether all hosts say of an image what is in the database."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import Any

import pymysql

from allinone.daemons import glance_database
from tests.chaos import calls
from tests.chaos import cloud
from tests.chaos import violations


@dataclasses.dataclass(frozen=True)
class Image:
    """What the database says of an image.

    :param stores: those that hold it
    :param importing: whether an import holds its lock
    """

    status: str
    stores: frozenset[str]
    importing: bool

    def phases(self, lucky: bool) -> tuple[str, ...]:
        """Return the phases that may be said of it when nothing goes on.

        :param lucky: whether a worker was killed, whose import holds the lock
            for ever
        """
        settled = {'active': ('done', 'failed', 'hashing'),
                   'queued': ('queued', 'failed', 'registering', 'preparing'),
                   'deleted': ('failed',)}.get(
                       self.status, ('failed', 'unknown', 'upload', 'staging',
                                     'staged', 'import'))
        if self.importing and lucky:
            return (*settled, 'copy' if self.status == 'active' else 'import',
                    'staging')
        return settled


class Database:
    """What is in the database of one side."""

    def __init__(self, clouds: cloud.Cloud, name: str) -> None:
        self._open = lambda: contextlib.closing(pymysql.connect(
            host='127.0.0.1', port=clouds.mariadb.port,
            user=glance_database.USER, password=glance_database.PASSWORD,
            database=name, autocommit=True))

    def images(self) -> dict[str, Image]:
        """Return each image by its id, deleted ones as well."""
        with self._open() as peer, peer.cursor() as cursor:
            cursor.execute('SELECT id, status FROM images')
            statuses = dict(cursor.fetchall())
            cursor.execute('SELECT image_id, meta_data FROM image_locations'
                           " WHERE status = 'active'")
            stores: dict[str, set[str]] = {}
            for image_id, meta in cursor.fetchall():
                for store in ('ceph', 'second'):
                    if store in str(meta):
                        stores.setdefault(image_id, set()).add(store)
            cursor.execute('SELECT image_id FROM image_properties WHERE name'
                           " = 'os_glance_import_task' AND deleted = 0")
            locked = {image_id for image_id, in cursor.fetchall()}
        return {image_id: Image(status, frozenset(stores.get(image_id, ())),
                                image_id in locked)
                for image_id, status in statuses.items()}


def check(caller: calls.Caller, image_id: str, image: Image, lucky: bool,
          found: violations.Violations) -> None:
    """Ask each host for an image's progress, now that nothing goes on.

    :param lucky: whether workers were killed meanwhile
    """
    for host in cloud.HOSTS:
        found.checked('agreement')
        answer = caller.ask('GET', host, '/v2/images/%s/progress' % image_id)
        if answer.status_code == 404 and image.status == 'deleted':
            continue
        wrong = (['%d %s' % (answer.status_code, answer.text)]
                 if answer.status_code != 200
                 else _wrong(answer.json(), image, lucky))
        for each in wrong:
            found.add('agreement', '%s of image %s, %s in %s: %s\n%s' % (
                host, image_id, image.status, sorted(image.stores), each,
                answer.text))


def _wrong(answer: dict[str, Any], image: Image, lucky: bool) -> list[str]:
    found = []
    if answer['status'] != image.status:
        found.append('status %s' % answer['status'])
    if answer['phase'] not in image.phases(lucky):
        found.append('phase %s' % answer['phase'])
    if answer['phase'] == 'done' and answer['percent'] != 100:
        found.append('%s percent' % answer['percent'])
    if image.status != 'active' and answer['percent'] == 100:
        found.append('100 percent')
    said = {store['store']: store for store in answer['stores']}
    for store in image.stores:
        if image.status == 'active' and (
                store not in said or said[store]['state'] != 'finished'
                or said[store]['percent'] != 100):
            found.append('store %s: %s' % (store, said.get(store)))
    for store, each in said.items():
        if store in ('ceph', 'second') and each['state'] == 'finished' \
                and store not in image.stores:
            found.append('store %s has finished' % store)
    return found
