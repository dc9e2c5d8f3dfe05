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

import hashlib
import pathlib
import shutil
import signal
import subprocess
import sys
from typing import Any

import glanceclient

from allinone.daemons import ceph
from allinone.daemons import glance
from allinone import machine
from allinone import service
from tools.demo import steps


def upload(
    client: glanceclient.Client, path: pathlib.Path, watch: list[str]
) -> dict[str, Any]:
    """Upload a file while a command shows the progress.

    :param watch: the command, but for the id of the image
    :returns: what Glance says of the image
    """
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
        while chunk := export.stdout.read(steps.MiB):
            sha512.update(chunk)
    return sha512.hexdigest()


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
        steps.say('Starting the services')
        services.up()

        steps.say('Making an image of %d MiB' % mib)
        hashes = steps.make_image(path, mib)

        steps.say(
            'Uploading it with python-glanceclient; in a second process:\n'
            '    glance-progress watch IMAGE_ID')
        command = [
            str(pathlib.Path(sys.executable).with_name('glance-progress')),
            '--config-file', str(services.glance.conf)]
        client = services.glance.client(
            glance.identity_headers('demo', 'member'))
        with steps.timed('upload'):
            image = upload(
                client, path, command + ['watch', '--interval', '0.2'])

        steps.say('Comparing with the source')
        steps.compare('status', 'active', image['status'])
        steps.compare('md5 that Glance reports', hashes['md5'],
                      image['checksum'])
        steps.compare('sha512 that Glance reports', hashes['sha512'],
                      image['os_hash_value'])
        steps.compare('sha512 of what Ceph holds', hashes['sha512'],
                      stored_sha512(services.ceph, image['id']))
    except BaseException:
        keep = False
        raise
    finally:
        path.unlink(missing_ok=True)
        if keep:
            say_how_to_go_on(services, command)
        else:
            steps.say('Taking everything down')
            services.down()
            shutil.rmtree(directory)


def main() -> None:
    parser = steps.arguments(
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
