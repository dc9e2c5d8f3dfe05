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


"""Measures ``nova-snapshot-fix check`` on databases of its own.

    python -m tools.bench.nova_check [--database mariadb] [--instances N]
        [--wrong PERCENT]

Run it with the interpreter of an environment with Nova, from the top of the
tree. It fills a cell with so many servers, in SQLite or in a MariaDB that it
starts, checks them in another process, and prints how fast that was and what
it took, as JSON. With --minimum it fails where the check is slower.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
import contextlib
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from typing import Any
import uuid

from nova import config
from nova import context as nova_context
from nova.db import migration
from nova import objects
import portpicker
import sqlalchemy

from allinone.daemons import mariadb
from nova_snapshot_fix.cmd import arguments
import nova_snapshot_fix.cmd.main
from nova_snapshot_fix import database
from nova_snapshot_fix import known
from nova_snapshot_fix import request_spec

IMAGES = [str(uuid.uuid4()) for _ in range(50)]

_CHUNK = 5000

# What Nova records of an ordinary image besides the base image.
_METADATA = {'image_container_format': 'bare', 'image_disk_format': 'raw',
             'image_min_disk': '1', 'image_min_ram': '0',
             'image_hw_machine_type': 'pc', 'image_hw_disk_bus': 'scsi',
             'image_os_distro': 'debian', 'boot_roles': 'member,reader'}


@contextlib.contextmanager
def _in_sqlite(directory: str) -> Iterator[str]:
    yield 'sqlite:///%s/%%s.db' % directory


@contextlib.contextmanager
def _in_mariadb(directory: str) -> Iterator[str]:
    server = mariadb.MariaDb(directory, portpicker.pick_unused_port(), {
        name: ('nova', 'nova') for name in ('api', 'cell')})
    with server:
        yield ('mysql+pymysql://nova:nova@127.0.0.1:%d/%%s?charset=utf8'
               % server.port)


#: What keeps a database for a while, and yields URLs with a place for a name.
DATABASES = {'sqlite': _in_sqlite, 'mariadb': _in_mariadb}


def _load(directory: str) -> None:
    config.parse_args([
        'bench', '--config-file=' + os.path.join(directory, 'nova.conf')])
    objects.register_all()


def _request_spec(instance: str, image: str) -> str:
    def versioned(type_: str, **data: Any) -> dict[str, Any]:
        return {'nova_object.name': type_, 'nova_object.namespace': 'nova',
                'nova_object.version': '1.0', 'nova_object.data': data}

    return json.dumps(versioned(
        'RequestSpec', instance_uuid=instance, num_instances=1,
        flavor=versioned('Flavor', name='m1.small', vcpus=1, root_gb=20,
                         memory_mb=2048, extra_specs={'a': 'b' * 200}),
        image=versioned('ImageMeta', id=image, name='an image', size=1 << 30,
                        properties=versioned('ImageMetaProps',
                                             hw_disk_bus='scsi'))))


def _servers(
    count: int, wrong: float
) -> Iterator[tuple[str, str, str | None]]:
    """Yield (uuid, image, base image); *wrong* percent lack the last."""
    each = int(100 / wrong) if wrong else 0
    for number in range(count):
        image = IMAGES[number % len(IMAGES)]
        missing = each and not number % each
        yield str(uuid.uuid4()), image, None if missing else image


def fill(directory: str, url: str, count: int, wrong: float) -> None:
    """Make nova.conf, and fill the databases.

    :param url: URL of a database, with a place for its name
    """
    with open(os.path.join(directory, 'nova.conf'), 'w') as file:
        file.write('[DEFAULT]\ntransport_url = fake:/\n'
                   '[api_database]\nconnection = %s\n'
                   '[database]\nconnection = %s\n'
                   % (url % 'api', url % 'cell'))
    _load(directory)
    context = nova_context.get_admin_context()
    migration.db_sync(database='api')
    migration.db_sync(database='main')
    objects.CellMapping(
        context, uuid=str(uuid.uuid4()), name='cell1', transport_url='fake:/',
        database_connection=url % 'cell').create()
    api, cell = (sqlalchemy.create_engine(url % name)
                 for name in ('api', 'cell'))
    instances = database.models.Instance.__table__
    metadata = database.models.InstanceSystemMetadata.__table__
    specs = request_spec.models.RequestSpec.__table__
    servers = _servers(count, wrong)
    while True:
        chunk = list(itertools.islice(servers, _CHUNK))
        if not chunk:
            return
        with cell.begin() as connection:
            connection.execute(instances.insert(), [
                {'uuid': server, 'image_ref': image, 'project_id': 'p',
                 'deleted': 0, 'vm_state': 'active'}
                for server, image, _ in chunk])
            connection.execute(metadata.insert(), [
                {'instance_uuid': server, 'key': key, 'value': value,
                 'deleted': 0}
                for server, _, base in chunk
                for key, value in {**_METADATA, known.KEY: base}.items()
                if value is not None])
        with api.begin() as connection:
            connection.execute(specs.insert(), [
                {'instance_uuid': server, 'spec': _request_spec(server, image)}
                for server, image, _ in chunk])


def check(directory: str) -> None:
    """Run the command and print what it took."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, started_cpu = time.monotonic(), time.process_time()
    status = nova_snapshot_fix.cmd.main.run(arguments.parse(
        ['check', '--report', os.path.join(directory, 'report.json')]))
    print(json.dumps({
        'status': status, 'seconds': round(time.monotonic() - started, 2),
        'cpu_seconds': round(time.process_time() - started_cpu, 2),
        'memory_before_kib': before,
        'memory_kib': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument('--instances', type=int, default=100000)
    parser.add_argument('--wrong', type=float, default=1.0, metavar='PERCENT')
    parser.add_argument('--database', choices=sorted(DATABASES),
                        default='sqlite')
    parser.add_argument('--minimum', type=float, default=0, metavar='RATE',
                        help='instances per second below which it fails')
    parser.add_argument('--check', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.check:
        _load(args.check)
        check(args.check)
        return 0
    with (tempfile.TemporaryDirectory() as directory,
          DATABASES[args.database](directory) as url):
        fill(directory, url, args.instances, args.wrong)
        done = subprocess.run(
            [sys.executable, '-m', 'tools.bench.nova_check',
             '--check', directory], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, check=True, text=True)
        result = json.loads(done.stdout.splitlines()[-1])
        with open(os.path.join(directory, 'report.json')) as file:
            result.update(json.load(file)['summary'])
    result['per_second'] = round(args.instances / result['seconds'])
    print(json.dumps(result))
    return 0 if result['per_second'] >= args.minimum else 1


if __name__ == '__main__':
    sys.exit(main())
