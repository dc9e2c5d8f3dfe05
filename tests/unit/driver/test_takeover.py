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

"""Tests that an upload never fails in another way than without this."""

from __future__ import annotations

from unittest import mock

import testtools

from glance_progress.ceph import holdings
from glance_progress.ceph import places
from glance_progress.driver import takeover

PLACE = places.Place('ceph', 'images', 'glance', '')
DATA = holdings.Data(PLACE, 'image', 'abc')


class ClearTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        patcher = mock.patch(
            'glance_progress.ceph.holdings.look', autospec=True)
        self.look = patcher.start()
        self.addCleanup(patcher.stop)
        patcher = mock.patch(
            'glance_progress.ceph.clusters.Clusters', autospec=True)
        patcher.start()
        self.addCleanup(patcher.stop)
        self.look.return_value = DATA

    def clear(self, permitted='image'):
        with takeover.request():
            takeover.permit(permitted)
            return takeover.clear(PLACE, 'image')

    def test_it_is_gone_by_now(self):
        self.look.return_value = None
        self.assertTrue(self.clear())

    def test_nobody_permits(self):
        self.assertFalse(self.clear('another'))
        takeover.permit('image')  # outside of any request
        self.assertFalse(takeover.clear(PLACE, 'image'))

    def test_ceph_fails(self):
        self.look.side_effect = OSError()
        self.assertFalse(self.clear())
