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


"""What there is on SQLite, on a MariaDB once more."""

# Before anything else of nova or oslo.
from tests.nova import base  # noqa: F401

from tests.nova import test_actions
from tests.nova import test_command
from tests.nova import test_faults
from tests.nova import test_harmless
from tests.nova import test_volume_backed
from tests.nova_mariadb import databases


class ActionsTest(databases.OnMariaDb, test_actions.ExtensionTest):
    pass


class CommandTest(databases.OnMariaDb, test_command.CommandTest):
    pass


class HarmlessTest(databases.OnMariaDb, test_harmless.CommandTest):
    pass


class FaultTest(databases.OnMariaDb, test_faults.FaultTest):
    pass


class VolumeTest(databases.OnMariaDb, test_volume_backed.RefusedTest):
    pass


class VolumeCommandTest(
        databases.OnMariaDb, test_volume_backed.RefusedWithoutUsTest):
    pass
