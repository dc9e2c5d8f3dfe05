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

"""Key managers for Glances whose images are signed or encrypted."""

from __future__ import annotations

import os
import pathlib
from typing import Any

from castellan.common.objects import x_509
from castellan.key_manager import not_implemented_key_manager

#: The environment variable that names the file of the certificate (DER).
CERTIFICATE = 'GLANCE_PROGRESS_TEST_CERTIFICATE'

#: That which names the file of keys that were deleted.
DELETED = 'GLANCE_PROGRESS_TEST_DELETED_KEYS'


class OneCertificate(
        not_implemented_key_manager.NotImplementedKeyManager):
    """Has the same certificate for every id."""

    def get(self, *args: Any, **kwargs: Any) -> x_509.X509:
        return x_509.X509(
            pathlib.Path(os.environ[CERTIFICATE]).read_bytes())


class Deleting(not_implemented_key_manager.NotImplementedKeyManager):
    """Notes the ids of the keys that it is to delete, a line each."""

    def delete(self, context: Any, managed_object_id: str,
               **kwargs: Any) -> None:
        with open(os.environ[DELETED], 'a') as deleted:
            deleted.write(managed_object_id + '\n')
