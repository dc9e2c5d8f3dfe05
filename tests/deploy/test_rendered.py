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

"""glance-api starts with what other tools have made of our recipes."""

from __future__ import annotations

import configparser

import testtools
import yaml

from allinone.daemons import glance
from tests.deploy import rendered
from tests.deploy import test_recipes
from tests.functional import api_base
from tests.functional import base
from tests.functional import services

MiB = base.MiB


class FilesTest(testtools.TestCase):

    def test_are_of_these_recipes(self) -> None:
        for tool in ('openstack-ansible', 'openstack-helm'):
            self.assertEqual([], rendered.stale(tool))

    def test_openstack_ansible_has_changed_one_value(self) -> None:
        """Of what was in Glance's file."""
        packaged = configparser.RawConfigParser(strict=False)
        packaged.optionxform = str  # type: ignore[assignment,method-assign]
        packaged.read(test_recipes.GLANCE[1])
        changed = {
            (section, option)
            for section, values in rendered.options(
                rendered.DATA / 'openstack-ansible' / 'glance-api-paste.ini'
            ).items()
            for option, value in values.items()
            if value != packaged.get(section, option)}
        self.assertEqual({('app:apiv2app', 'paste.app_factory')}, changed)

    def test_have_our_routers(self) -> None:
        for tool in ('openstack-ansible', 'openstack-helm'):
            for name, section, router in (
                    ('glance-api-paste.ini', 'app:apiv2app',
                     api_base.ROUTER),
                    ('nova-api-paste.ini', 'app:osapi_compute_app_v21',
                     'nova_snapshot_fix.api:APIRouterV21.factory')):
                values = rendered.options(rendered.DATA / tool / name)
                self.assertEqual(
                    router, values[section]['paste.app_factory'])


class UploadTests:

    STORE = 'rbd'

    def test_progress(self) -> None:
        image_id = self.create()
        upload = self.upload(image_id, 4 * MiB)
        upload.send(bytes(2 * MiB))
        self.assertEqual(50, self.wait_store(
            image_id, self.STORE, bytes_written=2 * MiB)['percent'])
        upload.send(bytes(2 * MiB))
        self.assertEqual(204, upload.end())


class OpenstackAnsibleTest(UploadTests, api_base.ApiTestCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return rendered.GlanceApi('openstack-ansible')


class OpenstackHelmTest(UploadTests, api_base.ApiTestCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return rendered.HelmGlanceApi('openstack-helm')


class RhosoTest(UploadTests, api_base.ApiTestCase):
    """customServiceConfig is read after what the operator writes."""

    STORE = 'ceph'

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return rendered.RhosoGlanceApi(yaml.safe_load((
            services.PROJECT / 'deploy' / 'rhoso'
            / 'openstackcontrolplane.yaml').read_text()))
