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

"""A glance-api whose options the location rule looks at."""

from __future__ import annotations

import json
import pathlib
import sys
import tempfile
from typing import Any

import testtools

from allinone.daemons import glance
from glance_progress.locations import facts
from tests.functional import services

FOR_SERVICES = {name: 'rule:context_is_admin or service_roles:service'
                for name in facts.POLICIES}

FILE_STORE: dict[str, dict[str, object]] = {'file': {'type': 'file'}}

#: The rule speaks where there is a store in Ceph, even if nobody writes to it.
STORES = {**FILE_STORE, 'rbd': {'type': 'rbd_progress'}}


class TestCase(testtools.TestCase):

    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(tempfile.mkdtemp(
            dir=services.directory()))

    def make(
        self, kind: type[glance.GlanceBase] = glance.GlanceApi,
        direct_url: bool = True, multiple: bool = False,
        router: str | None = 'glance_progress.api:API.factory',
        log_file: pathlib.Path | None = None,
        policies: dict[str, str] | None = None, section: Any = None,
        stores: dict[str, dict[str, object]] = STORES, **kwargs: Any,
    ) -> glance.GlanceBase:
        options: dict[str, Any] = {
            'DEFAULT': {'show_image_direct_url': direct_url,
                        'show_multiple_locations': multiple},
            'glance_progress': {'memcached_servers': '127.0.0.1:1',
                                **(section or {})},
        }
        if log_file:
            options['DEFAULT']['log_file'] = log_file
        if policies:
            path = self.directory / 'policies.yaml'
            path.write_text(json.dumps(policies))
            options['oslo_policy'] = {
                'policy_file': path, 'policy_dirs': self.directory / 'none'}
        if kind is glance.DebianGlanceApi:
            kwargs = {'workers': 1, **kwargs}
            venv = services.debian_venv()
        else:
            venv = pathlib.Path(sys.prefix)
        api = kind(self.directory, venv, stores=stores, multi_store=False,
                   options=options, router=router, **kwargs)
        self.addCleanup(api.stop)
        return api
