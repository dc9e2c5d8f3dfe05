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

"""Network namespaces, each with one address, which can be cut off.

The run itself is in a namespace of its own (``unshare --net``), so that no
address of the machine is in the way, and nothing is left when it ends.
"""

from __future__ import annotations

import os
import subprocess
import time

#: Of the run itself: what is not cut off listens here or on loopback.
ADDRESS = '10.213.0.1'
_BRIDGE = 'chaos'


def set_up() -> None:
    """Switch on loopback and the bridge.

    :raises CalledProcessError: without the rights, or where there is one
    """
    _ip('link', 'set', 'lo', 'up')
    _ip('link', 'add', _BRIDGE, 'type', 'bridge')
    _ip('address', 'add', ADDRESS + '/24', 'dev', _BRIDGE)
    _ip('link', 'set', _BRIDGE, 'up')


class Namespace:
    """Lives as long as this process.

    :param number: of its address and interface, from 2 to 254
    """

    def __init__(self, number: int) -> None:
        self.address = '10.213.0.%d' % number
        self._holder = subprocess.Popen(
            ['setpriv', '--pdeathsig', 'KILL', 'unshare', '--net', 'sleep',
             'infinity'])
        path = '/proc/%d/ns/net' % self._holder.pid
        while os.readlink(path) == os.readlink('/proc/self/ns/net'):
            time.sleep(0.01)
        #: What runs a program in it.
        self.within = ['nsenter', '--net=' + path, '--']
        device = 'chaos%d' % number
        _ip('link', 'add', device, 'type', 'veth', 'peer', 'name', 'eth0',
            'netns', str(self._holder.pid))
        _ip('link', 'set', device, 'master', _BRIDGE, 'up')
        self._ip('link', 'set', 'lo', 'up')
        self._ip('address', 'add', self.address + '/24', 'dev', 'eth0')
        self._ip('link', 'set', 'eth0', 'up')

    def cut(self) -> None:
        """Swallow all that is to leave; who asks hears nothing."""
        self._ip('route', 'add', 'blackhole', ADDRESS + '/32')

    def join(self) -> None:
        """Have it answer again."""
        self._ip('route', 'del', 'blackhole', ADDRESS + '/32')

    def end(self) -> None:
        self._holder.kill()
        self._holder.wait()

    def _ip(self, *args: str) -> None:
        subprocess.run([*self.within, 'ip', *args], check=True)


def _ip(*args: str) -> None:
    subprocess.run(['ip', *args], check=True)
