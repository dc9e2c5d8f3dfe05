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

"""A libvirtd with directories of its own, whose guests are nobody else's.

A private mount namespace puts those directories where libvirt's are, so that
neither another libvirtd nor the machine's settings are in the way.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil

import psutil

from allinone import command
from allinone import files
from allinone import mounts
from allinone import service

#: directory of ours -> what it is for libvirtd
_PLACES = {'etc': '/etc/libvirt', 'lib': '/var/lib/libvirt',
           'cache': '/var/cache/libvirt', 'log': '/var/log/libvirt',
           'run': '/run/libvirt'}

_QEMU_CONF = """\
user = "root"
group = "root"
security_driver = "none"
namespaces = []
cgroup_controllers = []
# Else each guest wants a virtlogd.
stdio_handler = "file"
max_core = 0
"""

_LIBVIRTD_CONF = """\
unix_sock_group = "root"
unix_sock_ro_perms = "0700"
unix_sock_rw_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
"""

_SECRET = """\
<secret ephemeral='no' private='no'>
  <uuid>{uuid}</uuid>
  <usage type='ceph'><name>client.{user}</name></usage>
</secret>
"""


class Libvirtd(service.Service):
    """Runs the daemon.

    :param directory: holds its files, its log and its pid
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        super().__init__('libvirtd', directory)
        self.home = self.directory / 'libvirt'
        #: For clients outside of the namespace.
        self.uri = f'qemu:///system?socket={self.home}/run/libvirt-sock'

    def start(self) -> None:
        etc = self.home / 'etc'
        if not etc.exists():
            # No copy of /etc/libvirt: its network would be started.
            for name in (*_PLACES, 'etc/qemu'):
                (self.home / name).mkdir(
                    mode=0o700, parents=True, exist_ok=True)
            (etc / 'qemu.conf').write_text(_QEMU_CONF)
            (etc / 'libvirtd.conf').write_text(_LIBVIRTD_CONF)
        for place in _PLACES.values():
            pathlib.Path(place).mkdir(parents=True, exist_ok=True)
        super().start()

    def command(self) -> list[str]:
        # Else its file would be /run/libvirtd.pid, which there is once.
        line = ['libvirtd', '--pid-file', str(self.home / 'libvirtd.pid')]
        return mounts.private(line, {
            place: self.home / name for name, place in _PLACES.items()})

    def ready(self) -> bool:
        try:
            self.virsh('version', timeout=10)
        except service.ServiceError:
            return False
        return True

    def virsh(self, *args: str, timeout: float = 60) -> str:
        """Run virsh and return what it prints.

        :raises ServiceError: if it fails or takes longer than timeout, in
            seconds
        """
        return command.run(self.name, ['virsh', '-q', '-c', self.uri, *args],
                           timeout=timeout)

    def set_ceph_secret(self, uuid: str, user: str, key: str) -> None:
        """Give guests the key of a user of Ceph.

        :param uuid: the name that nova.conf has for the key
        :param user: without `client.`
        :param key: the secret in base64
        """
        define = self.home / 'secret.xml'
        define.write_text(_SECRET.format(uuid=uuid, user=user))
        self.virsh('secret-define', str(define))
        value = self.home / 'secret.base64'
        files.write_private(value, key)
        self.virsh('secret-set-value', uuid, '--file', str(value))
        value.unlink()

    def stop(self, timeout: float = 15) -> None:
        """End the guests, which would outlive it, and then the daemon."""
        if self.running:
            with contextlib.suppress(service.ServiceError):
                for guest in self.virsh('list', '--name').split():
                    self._end(guest)
        super().stop(timeout)
        self._kill_guests()
        run = self.home / 'run'
        if run.exists():
            shutil.rmtree(run)
            run.mkdir(mode=0o700)

    def _end(self, guest: str) -> None:
        taps = [fields[0] for line in
                self.virsh('domiflist', guest).splitlines()
                if (fields := line.split())]
        with contextlib.suppress(service.ServiceError):
            self.virsh('destroy', guest)
        for tap in taps:  # Nova has made them, and may have removed them
            with contextlib.suppress(service.ServiceError):
                command.run(self.name, ['ip', 'link', 'delete', tap])

    def _kill_guests(self) -> None:
        """Kill what a daemon that has crashed could not end."""
        for path in (self.home / 'run' / 'qemu').glob('*.pid'):
            with contextlib.suppress(OSError, ValueError, psutil.Error):
                guest = psutil.Process(int(path.read_text()))
                # Its console's log: the pid may be another's by now.
                if str(self.directory) in ' '.join(guest.cmdline()):
                    guest.kill()
