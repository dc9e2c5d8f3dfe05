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

"""From nothing to a progress bar; tools/run-demo.sh calls this.

Starts Ceph, memcached and glance-api on loopback, uploads a generated image,
lets a second process show how far it is, and compares what Ceph holds with
what was sent.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
import contextlib
import hashlib
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

import glanceclient

from allinone.daemons import ceph
from allinone.daemons import glance
from allinone import machine
from allinone import service

MiB = 1024 * 1024


def say(text: str) -> None:
    print('\n=== %s' % text, flush=True)


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    print('    %-40s %6.1f s' % (what, time.monotonic() - started), flush=True)


def make_image(path: pathlib.Path, mib: int) -> dict[str, str]:
    """Write *mib* MiB that do not compress, and return their hashes."""
    hashes = {name: hashlib.new(name) for name in ('md5', 'sha512')}
    generator = random.Random(path.name)
    with path.open('wb') as image:
        for _ in range(mib):
            chunk = generator.randbytes(MiB)
            image.write(chunk)
            for each in hashes.values():
                each.update(chunk)
    return {name: each.hexdigest() for name, each in hashes.items()}


def upload(
    client: glanceclient.Client, path: pathlib.Path, watch: list[str]
) -> dict[str, Any]:
    """Upload *path* while the command *watch* shows the progress."""
    image = client.images.create(
        name='demo', disk_format='raw', container_format='bare')
    watcher = subprocess.Popen(watch + [image.id])
    try:
        with path.open('rb') as content:
            client.images.upload(
                image.id, content, image_size=path.stat().st_size)
        status = watcher.wait(timeout=60)
    finally:
        if watcher.poll() is None:
            watcher.terminate()
    if status:
        raise SystemExit('glance-progress ended with status %d' % status)
    return client.images.get(image.id)


def stored_sha512(cluster: ceph.Ceph, image_id: str) -> str:
    """Return the hash of what Ceph holds, read past Glance."""
    sha512 = hashlib.sha512()
    with subprocess.Popen(
            ['rbd', '--no-progress', 'export',
             '%s/%s@snap' % (machine.POOL, image_id), '-'],
            stdout=subprocess.PIPE, env=cluster.environment()) as export:
        assert export.stdout is not None
        while chunk := export.stdout.read(MiB):
            sha512.update(chunk)
    return sha512.hexdigest()


def compare(label: str, expected: object, actual: object) -> None:
    if expected != actual:
        raise SystemExit('%s differs: %s was expected, %s is there'
                         % (label, expected, actual))
    print('    %-40s the same' % label, flush=True)


KEPT = """
=== Everything stays up. Glance is at {url} and believes these headers:

    {headers}

Upload something there, and watch it:

    {command} watch IMAGE_ID

See what Ceph holds:

    rbd --conf {ceph_conf} --id glance ls --long {pool}

End it all:

    tools/run-demo.sh --down
"""


def say_how_to_go_on(
    services: machine.ImageMachine, command: list[str]
) -> None:
    headers = glance.identity_headers('demo', 'member')
    print(KEPT.format(
        url=services.glance.url, command=' '.join(command), pool=machine.POOL,
        headers='\n    '.join('%s: %s' % item for item in headers.items()),
        ceph_conf=services.ceph.client_conf))


def demo(directory: pathlib.Path, mib: int, keep: bool) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    services = machine.ImageMachine(directory, pathlib.Path(sys.prefix))
    path = directory / 'demo.raw'
    try:
        say('Starting the services')
        services.up()

        say('Making an image of %d MiB' % mib)
        hashes = make_image(path, mib)

        say('Uploading it with python-glanceclient; in a second process:\n'
            '    glance-progress watch IMAGE_ID')
        command = [
            str(pathlib.Path(sys.executable).with_name('glance-progress')),
            '--config-file', str(services.glance.conf)]
        client = services.glance.client(
            glance.identity_headers('demo', 'member'))
        with timed('upload'):
            image = upload(
                client, path, command + ['watch', '--interval', '0.2'])

        say('Comparing with the source')
        compare('status', 'active', image['status'])
        compare('md5 that Glance reports', hashes['md5'], image['checksum'])
        compare('sha512 that Glance reports', hashes['sha512'],
                image['os_hash_value'])
        compare('sha512 of what Ceph holds', hashes['sha512'],
                stored_sha512(services.ceph, image['id']))
    except BaseException:
        keep = False
        raise
    finally:
        path.unlink(missing_ok=True)
        if keep:
            say_how_to_go_on(services, command)
        else:
            say('Taking everything down')
            services.down()
            shutil.rmtree(directory)


def arguments(
    prog: str, description: str, size: int
) -> argparse.ArgumentParser:
    """Return a parser of what each demo understands.

    :param size: of the image if none is given, in MiB
    """
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument('--keep', action='store_true',
                        help='leave everything running')
    parser.add_argument('--down', action='store_true',
                        help='end what --keep has left, and nothing else')
    parser.add_argument('--size', type=int, default=size, metavar='MIB',
                        help='of the image, default %(default)s')
    return parser


def main() -> None:
    parser = arguments(
        'tools/run-demo.sh',
        'Upload an image into a Ceph of its own and watch its progress.', 1024)
    parser.add_argument('--directory', type=pathlib.Path, required=True,
                        help='where the services keep their files')
    args = parser.parse_args()
    # So that a kill takes everything down as an interrupt does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # What an earlier run has left: --keep, or one that was killed.
    if args.directory.exists():
        machine.ImageMachine(args.directory, pathlib.Path(sys.prefix)).down()
        shutil.rmtree(args.directory)
    if args.down:
        return
    try:
        demo(args.directory, args.size, args.keep)
    except service.ServiceError as exc:
        raise SystemExit(str(exc))
    except KeyboardInterrupt:
        raise SystemExit(128 + signal.SIGINT)


if __name__ == '__main__':
    main()
