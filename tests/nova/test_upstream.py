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


"""Nova's own tests of rebuild, with our router or with our patches."""

# Before anything else of nova or oslo.
from tests.nova import base

import unittest

from nova.tests.functional import test_servers

from tests.nova import test_patched

patched = unittest.skipUnless(test_patched.PATCHED, 'needs patched Nova')


class RebuildTest(base.WithRouter, test_servers.ServerRebuildTestCase):
    pass


@patched
class PatchedRebuildTest(
        base.WithRouter, test_servers.ServerRebuildTestCase):
    ROUTER = base.STOCK_ROUTER


if hasattr(test_servers, 'ServerRebuildTestCaseV293'):  # from Zed on
    class RebuildV293Test(
            base.WithRouter, test_servers.ServerRebuildTestCaseV293):
        pass

    @patched
    class PatchedRebuildV293Test(
            base.WithRouter, test_servers.ServerRebuildTestCaseV293):
        ROUTER = base.STOCK_ROUTER
