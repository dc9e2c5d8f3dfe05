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

import pathlib
import shlex

from allinone import mounts
from tests.unit import base


class TestPrivate(base.TestCase):

    def test_order(self):
        """What is read-only must not be what stands in a place of it."""
        command = mounts.private(
            ['a program', '--flag'], {'/etc/ceph': pathlib.Path('/o u r')},
            protect=['/etc'])
        self.assertEqual(
            ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec'],
            command[:-1])
        self.assertEqual(
            [['mount', '--rbind', '/etc', '/etc'],
             ['mount', '-o', 'remount,bind,ro', '/etc'],
             ['mount', '--bind', '/o u r', '/etc/ceph'],
             ['exec', 'a program', '--flag']],
            [shlex.split(line) for line in command[-1].splitlines()])
