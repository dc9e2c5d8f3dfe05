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

"""Tests that an upload keeps to its RBD image, and is not hindered."""

from __future__ import annotations

from unittest import mock

from glance_store import exceptions
import testtools

from glance_progress.driver import fence


class FenceTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        patcher = mock.patch(
            'glance_progress.ceph.holdings.id_of', autospec=True)
        self.id_of = patcher.start()
        self.addCleanup(patcher.stop)
        self.id_of.return_value = 'own'

    def test_it_is_there(self):
        with fence.around() as own:
            self.assertIs(own, fence.current())
            own.check(None)  # of none
            own.made(None, 'image')
            own.check(None)
        self.assertIsNone(fence.current())

    def test_displaced(self):
        for there in (None, 'another'):
            with fence.around() as own:
                self.id_of.return_value = 'own'
                own.made(None, 'image')
                self.id_of.return_value = there
                self.assertRaises(exceptions.NotFound, own.check, None)

    def test_what_a_displaced_upload_raises(self):
        def fail(displaced):
            with fence.around() as own:
                own.displaced = displaced
                raise exceptions.BackendException()
        self.assertRaises(fence.Displaced, fail, True)
        self.assertRaises(exceptions.BackendException, fail, False)

    def test_nothing_can_be_seen(self):
        """Then the upload goes on as without it."""
        with fence.around() as own:
            self.id_of.side_effect = OSError()
            own.made(None, 'image')
            self.id_of.side_effect = None
            own.made(None, 'image')
            self.id_of.side_effect = OSError()
            own.check(None)
            self.assertFalse(own.displaced)
