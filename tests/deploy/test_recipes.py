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

"""Recipes whose tools are on no package index, held to what they change."""

from __future__ import annotations

import configparser
import pathlib
import pkgutil
import sys
from typing import Any

import testtools
import yaml

from tests.functional import services

DEPLOY = services.PROJECT / 'deploy'

#: Paste files of the oldest Glance, which is Debian's, and of the newest.
GLANCE = (pathlib.Path('/etc/glance/glance-api-paste.ini'),
          pathlib.Path(sys.prefix) / 'etc' / 'glance' / 'glance-api-paste.ini')


def load(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


class RecipesTest(testtools.TestCase):

    def check_glance(self, overrides: dict[str, dict[str, str]]) -> None:
        (section, values), = overrides.items()
        (option, value), = values.items()
        for path in GLANCE:
            parser = configparser.RawConfigParser()
            parser.read(path)
            # One that is there already: the tools would add any other.
            self.assertEqual('glance.api.v2.router:API.factory',
                             parser.get(section, option))
        self.assertTrue(callable(pkgutil.resolve_name(value)))

    def check_nova(self, overrides: dict[str, dict[str, str]]) -> None:
        self.assertEqual(
            {'app:osapi_compute_app_v21': {
                'paste.app_factory':
                    'nova_snapshot_fix.api:APIRouterV21.factory'}}, overrides)

    def test_openstack_ansible(self) -> None:
        variables = load('openstack-ansible/user_variables.yml')
        self.check_glance(variables['glance_glance_api_paste_ini_overrides'])
        self.check_nova(variables['nova_api_paste_ini_overrides'])

    def test_openstack_helm(self) -> None:
        self.check_glance(load('openstack-helm/glance.yaml')['conf']['paste'])
        self.check_nova(load('openstack-helm/nova.yaml')['conf']['paste'])

    def test_rhoso(self) -> None:
        """The option names a file in what is mounted."""
        spec = load('rhoso/openstackcontrolplane.yaml')['spec']
        parser = configparser.RawConfigParser()
        parser.read_string(spec['glance']['template']['customServiceConfig'])
        volume, = spec['extraMounts'][0]['extraVol']
        mount, = volume['mounts']
        self.assertEqual(
            mount['mountPath'] + '/glance-api-paste.ini',
            parser.get('paste_deploy', 'config_file'))
        self.assertEqual([mount['name']],
                         [each['name'] for each in volume['volumes']])
