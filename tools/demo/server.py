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

"""A server's life on Ceph; tools/run-demo.sh --cloud calls this.

Brings up the one-machine cloud, uploads an image while a second process shows
how far it is, boots a server from it, rebuilds the server with another image,
makes a snapshot, makes a volume of the image and an image of the volume, and
shows where all that is in Ceph.
"""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
from typing import Any

import allinone
from allinone.openstack import accounts
from allinone.openstack import boot_image
from allinone.openstack import cinder
from allinone.openstack import client_files
from allinone.openstack import cloud
from allinone.openstack import glance
from allinone.openstack import nova
from allinone import service
from tools.demo import steps

#: Seconds for what a server or an image takes.
PATIENCE = 180

KEPT = """
=== Everything stays up. Use it as demo, alt_demo or admin:

    export OS_CLIENT_CONFIG_FILE={clouds_yaml}
    {openstack} --os-cloud demo server list

End it all:

    tools/run-demo.sh --cloud --down
"""

DASHBOARD = """
=== Horizon is at {url}

    user demo, password {password}
"""


class Demo:
    """Takes the steps as the user `demo`."""

    def __init__(self, machine: cloud.Cloud) -> None:
        self.machine = machine
        self.openstack = machine.site.program('openstack')
        self.client = accounts.connect(machine.site, 'demo')

    def upload(self, path: pathlib.Path) -> Any:
        """Upload a disk while the openstack command shows the progress."""
        image = self.client.image.create_image(
            'demo', disk_format='raw', container_format='bare',
            allow_duplicates=True)
        with self.watched(image.id), path.open('rb') as disk:
            self.client.image.put(
                f'/images/{image.id}/file', data=disk,
                headers={'Content-Type': 'application/octet-stream'})
        return self.client.image.get_image(image.id)

    @contextlib.contextmanager
    def watched(self, image_id: str) -> Iterator[None]:
        """Let the openstack command show the progress until it is done."""
        watcher = subprocess.Popen(
            [self.openstack, '--os-cloud', 'demo', 'image', 'progress',
             'watch', image_id],
            env={**os.environ, 'OS_CLIENT_CONFIG_FILE': str(
                client_files.clouds_yaml(self.machine.site))})
        try:
            yield
            if watcher.wait(PATIENCE):
                raise SystemExit('openstack image progress watch failed')
        finally:
            if watcher.poll() is None:
                watcher.terminate()

    def boot(self, image: Any) -> Any:
        compute = self.client.compute
        server = compute.create_server(
            name='demo', image_id=image.id, networks='none',
            flavor_id=compute.find_flavor('tiny').id)
        return compute.wait_for_server(server, wait=PATIENCE)

    def rebuild(self, server: Any, image: Any) -> None:
        self.client.compute.rebuild_server(server, image=image.id)
        self.client.compute.wait_for_server(server, wait=PATIENCE)

    def snapshot(self, server: Any) -> Any:
        return self.client.compute.create_server_image(
            server, 'demo-snapshot', wait=True, timeout=PATIENCE)

    def create_volume(self, image: Any) -> Any:
        volumes = self.client.block_storage
        volume = volumes.create_volume(size=1, image_id=image.id)
        return volumes.wait_for_status(volume, wait=PATIENCE)

    def upload_volume(self, volume: Any) -> Any:
        """Have Cinder upload it, while the progress is shown."""
        image_id = self.client.block_storage.upload_volume_to_image(
            volume, 'demo-volume')['image_id']
        with self.watched(image_id):
            pass
        return self.client.image.get_image(image_id)

    def say_console(self, server: Any) -> None:
        """Print the last line that the guest has printed."""
        output = self.client.compute.get_server_console_output(server)
        lines = output['output'].split('\n')
        show('console', next(
            (line.strip() for line in reversed(lines) if line.strip()), ''))

    def say_parent(self, name: str, of: str) -> None:
        """Print which image in Ceph another one is a clone of."""
        parent = self.machine.ceph.rbd('info', name, parse=True).get('parent')
        show(of, name)
        show('    is a clone of', '{pool}/{image}@{snapshot}'.format(**parent)
             if parent else 'nothing')


def show(label: str, value: object) -> None:
    print(f'    {label:<24} {value}', flush=True)


def run(machine: cloud.Cloud, mib: int) -> None:
    steps.say('Starting the cloud')
    machine.up()
    demo = Demo(machine)
    pool = glance.POOLS['ceph']

    path = machine.directory / 'demo.raw'
    steps.say(f'Making a disk of {mib} MiB that boots')
    steps.make_image(path, mib)
    with path.open('r+b') as disk:
        disk.write(boot_image.boot_sector('BOOT-OK demo'))

    steps.say('Uploading it; in a second process:\n'
              '    openstack image progress watch IMAGE')
    with steps.timed('upload'):
        image = demo.upload(path)
    path.unlink()

    steps.say('Booting a server from it')
    with steps.timed('boot'):
        server = demo.boot(image)
    demo.say_console(server)
    demo.say_parent(f'{nova.POOL}/{server.id}_disk', "the server's disk")

    steps.say('Rebuilding the server with another image')
    other = demo.client.image.find_image('tiny')
    with steps.timed('rebuild'):
        demo.rebuild(server, other)
    demo.say_console(server)
    demo.say_parent(f'{nova.POOL}/{server.id}_disk', "the server's disk")

    steps.say('Making a snapshot of it')
    with steps.timed('snapshot'):
        snapshot = demo.snapshot(server)
    show('direct_url', snapshot.direct_url)
    show('base_image_ref', snapshot.properties['base_image_ref'])
    show('the other image', other.id)
    steps.compare('base_image_ref and that image', other.id,
                  snapshot.properties['base_image_ref'])

    steps.say('Booting a server from the snapshot')
    with steps.timed('boot'):
        clone = demo.boot(snapshot)
    demo.say_parent(f'{nova.POOL}/{clone.id}_disk', "the server's disk")
    steps.compare('its parent and the snapshot', snapshot.id,
                  machine.ceph.rbd(
                      'info', f'{nova.POOL}/{clone.id}_disk',
                      parse=True)['parent']['image'])

    steps.say('Making a volume of the image')
    with steps.timed('volume'):
        volume = demo.create_volume(image)
    demo.say_parent(f'{cinder.POOL}/volume-{volume.id}', 'the volume')

    steps.say('Making an image of the volume; in a second process:\n'
              '    openstack image progress watch IMAGE')
    with steps.timed('upload'):
        uploaded = demo.upload_volume(volume)
    steps.compare('its size and that of the volume', 2 ** 30, uploaded.size)

    steps.say('What Ceph holds')
    print(machine.ceph.rbd('ls', '--long', pool))


def take_down(machine: cloud.Cloud) -> None:
    if machine.directory.exists():
        steps.say('Taking everything down')
        machine.down()
        shutil.rmtree(machine.directory)


def main() -> None:
    parser = steps.arguments('tools/run-demo.sh --cloud', __doc__, 512)
    parser.add_argument('--dashboard', type=pathlib.Path, metavar='VENV',
                        help='start Horizon of this environment, and keep it')
    args = parser.parse_args()
    if not 1 <= args.size <= 1024:  # the flavor's disk
        parser.error('--size: from 1 to 1024')
    # So that a kill takes everything down as an interrupt does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    directory = allinone.home() / 'demo-cloud'
    venv = pathlib.Path(sys.prefix)
    # What an earlier run has left: --keep, or one that was killed.
    take_down(cloud.Cloud(directory, venv))
    if args.down:
        return
    machine = cloud.Cloud(directory, venv, args.dashboard)
    keep = False
    try:
        run(machine, args.size)
        keep = args.keep or bool(args.dashboard)
    except service.ServiceError as exc:
        raise SystemExit(str(exc))
    except KeyboardInterrupt:
        raise SystemExit(128 + signal.SIGINT)
    finally:
        if keep:
            print(KEPT.format(
                clouds_yaml=client_files.clouds_yaml(machine.site),
                openstack=machine.site.program('openstack')))
            if machine.horizon:
                print(DASHBOARD.format(
                    url=machine.horizon.url,
                    password=machine.site.passwords['demo']))
        else:
            take_down(machine)


if __name__ == '__main__':
    main()
