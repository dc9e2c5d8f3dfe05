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


"""Nova with the patches of patches/nova/, with and without our router."""

# Before anything else of nova or oslo.
from tests.nova import base

from nova.tests.functional import test_servers


class UpstreamTest(base.WithRouter, test_servers.ServerRebuildTestCase):
    ROUTER = base.STOCK_ROUTER


if base.RELEASE < 22:  # patches/nova/<Ussuri and earlier>
    class RebuildTest(base.TestCase):

        ROUTER = base.STOCK_ROUTER

        def test_rebuild(self):
            self.rebuild(self.create_server(base.A))

else:  # patches/nova/<Zed and later>
    class UpstreamV293Test(
            base.WithRouter, test_servers.ServerRebuildTestCaseV293):
        ROUTER = base.STOCK_ROUTER

    class ConductorTest(base.TestCase):

        ROUTER = base.STOCK_ROUTER
        microversion = '2.93'

        def test_refused_rebuild(self):
            server = self.create_server(base.A)
            before = self.metadata(server)
            self.refuse_rebuild(server)
            self.assertEqual(before, self.metadata(server))
            self.assertEqual(base.A, self.instance(server).image_ref)
            self.assertEqual(base.A, self.request_spec(server).image.id)
            self.assertNotIn(
                'os_admin_user', self.snapshot(server)['properties'])
            self.assertIsNone(self.migrate(server))

        def test_refused_rebuild_of_volume_backed(self):
            server = self.create_volume_backed()
            before = self.metadata(server)
            self.refuse_rebuild(server)
            self.assertEqual(before, self.metadata(server))
            self.assertEqual('', self.instance(server).image_ref)
            self.assertEqual(base.MODEL, self.request_spec(server).image.id)

    class ConductorAndExtensionTest(base.TestCase):

        def test_refused_rebuild(self):
            server = self.create_server(base.A)
            before = self.metadata(server)
            self.refuse_rebuild(server)
            self.assertEqual(before, {
                key: value for key, value in self.metadata(server).items()
                if key not in self.remembered(server)})
            self.snapshot(server)
            self.assertEqual(before, self.metadata(server))
            # Columns are what the conductor cannot put back.
            self.assertIsNone(self.instance(server).os_type)
