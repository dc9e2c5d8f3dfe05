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

import threading

import testtools

from glance_progress.ceph import address


class TestUnique(testtools.TestCase):

    def test_another_thread(self):
        thread = address.unique(threading.current_thread)
        self.assertIsNot(threading.current_thread(), thread)
        self.assertFalse(thread.is_alive())

    def test_what_it_raises(self):
        def connect():
            raise OSError('no Ceph')
        self.assertEqual('no Ceph', str(self.assertRaises(
            OSError, address.unique, connect)))
