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

import os

import fixtures
from oslo_config import cfg

from glance_progress.locations import config
from tests.unit import base

USER = """
[service_user]
send_service_user_token = true
auth_type = password
auth_url = http://127.0.0.1:1/
username = nova
password = secret
"""


class ConfigTestCase(base.TestCase):

    def file(self, text):
        path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'a.conf')
        with open(path, 'w') as file:
            file.write(text)
        return path

    def nova(self, text, release=None):
        return config.nova([self.file(text)], release)

    def cinder(self, text):
        return config.cinder([self.file(text)], 29)


class TestGlance(ConfigTestCase):

    def glance(self, text):
        conf = self.config(text)
        for name in ('show_image_direct_url', 'show_multiple_locations'):
            conf.register_opt(cfg.BoolOpt(name, default=False))
        return config.glance(conf)

    def test_defaults(self):
        glance = self.glance('')
        self.assertFalse(glance.direct_url)
        self.assertFalse(glance.multiple_locations)
        self.assertIsNone(glance.consumers)
        self.assertFalse(glance.rbd)
        self.assertEqual(('service',), glance.service_token_roles)
        self.assertTrue(glance.service_token_roles_required)

    def test_references(self):
        glance = self.glance(
            '[DEFAULT]\nrole = a\nenabled_backends = b:${other.type}\n'
            '[other]\ntype = rbd\n'
            '[keystone_authtoken]\nservice_token_roles = $role, service\n')
        self.assertEqual(('a', 'service'), glance.service_token_roles)
        self.assertTrue(glance.rbd)

    def test_what_is_set(self):
        glance = self.glance(
            '[DEFAULT]\nshow_image_direct_url = yes\n'
            'show_multiple_locations = 1\n'
            '[glance_progress]\nlocation_consumers = mixed\n'
            '[keystone_authtoken]\nservice_token_roles = a, b\n'
            'service_token_roles_required = no\n')
        self.assertTrue(glance.direct_url)
        self.assertTrue(glance.multiple_locations)
        self.assertEqual('mixed', glance.consumers)
        self.assertEqual(('a', 'b'), glance.service_token_roles)
        self.assertFalse(glance.service_token_roles_required)

    def test_stores_in_ceph(self):
        for text, rbd in (
            ('enabled_backends = a:rbd, b:file', True),
            ('enabled_backends = a:file, b:rbd_progress', True),
            ('enabled_backends = rbd:file', False),
            ('[glance_store]\nstores = file, http, rbd', True),
            ('[glance_store]\nstores = file,http,rbd_progress', True),
            ('[glance_store]\nstores = file,http', False),
            # Without enabled_backends alone it counts.
            ('enabled_backends = a:file\n[glance_store]\nstores = rbd',
             False),
        ):
            self.assertEqual(
                rbd, self.glance('[DEFAULT]\n' + text + '\n').rbd, text)

    def test_wrong_value(self):
        exc = self.assertRaises(
            ValueError, self.glance,
            '[glance_progress]\nlocation_consumers = newest\n')
        self.assertIn('location_consumers', str(exc))
        self.assertIn('newest', str(exc))


class TestNova(ConfigTestCase):

    def test_nothing(self):
        nova = self.nova('')
        self.assertFalse(nova.sends_token)
        self.assertFalse(nova.credentials)
        self.assertIsNone(nova.release)

    def test_user(self):
        nova = self.nova(USER, 34)
        self.assertTrue(nova.proves_service)
        self.assertEqual(34, nova.release)

    def test_later_files_win(self):
        nova = config.nova(
            [self.file(USER), self.file(
                '[service_user]\nsend_service_user_token = false\n')], None)
        self.assertFalse(nova.sends_token)
        self.assertTrue(nova.credentials)

    def test_directories(self):
        path = self.file(USER)
        self.assertTrue(self.nova(USER).sends_token)
        os.mkdir(path + '.d')
        off = '[service_user]\nsend_service_user_token = %s\n'
        with open(path + '.d/10.conf', 'w') as file:
            file.write(off % 'false')
        self.assertFalse(config.nova([path], None).sends_token)
        other = os.path.dirname(self.file(off % 'true'))
        for files in ([path], []):
            self.assertTrue(config.nova(
                files, None, [other]).sends_token)
        self.assertRaises(
            cfg.ConfigDirNotFoundError, config.nova, [path], None,
            [other + '/none'])

    def test_a_directory_that_may_not_be_read(self):
        path = self.file(USER)
        os.mkdir(path + '.d')
        self.patch('os.access', lambda *args: False)
        exc = self.assertRaises(
            OSError, config.nova, [path], None)
        self.assertIn(path + '.d', str(exc))

    def test_disks(self):
        for text, registers in (
            ('', None), ('images_type = rbd', True),
            ('images_type = default', False), ('images_type = qcow2', False),
        ):
            nova = self.nova('[libvirt]\n' + text)
            self.assertIs(registers, nova.registers)

    def test_incomplete_credentials(self):
        for line in USER.splitlines()[3:]:
            nova = self.nova(USER.replace(line + '\n', ''))
            self.assertTrue(nova.sends_token)
            self.assertFalse(nova.credentials, line)

    def test_no_such_type(self):
        self.assertFalse(self.nova(
            USER.replace('= password', '= passport')).credentials)

    def test_in_another_section(self):
        nova = self.nova(
            '[service_user]\nsend_service_user_token = true\n'
            'auth_section = shared\n' +
            USER.replace('service_user', 'shared'))
        self.assertTrue(nova.credentials)

    def test_application_credential(self):
        text = ('[service_user]\nauth_type = v3applicationcredential\n'
                'auth_url = http://127.0.0.1:1/\n'
                'application_credential_id = a\n')
        self.assertFalse(self.nova(text).credentials)
        self.assertTrue(self.nova(
            text + 'application_credential_secret = s\n').credentials)

    def test_the_environment_is_not_novas(self):
        self.useFixture(fixtures.EnvironmentVariable(
            'OS_SERVICE_USER__SEND_SERVICE_USER_TOKEN', 'true'))
        self.assertFalse(self.nova('').sends_token)

    def test_files_that_cannot_be_used(self):
        self.assertRaises(
            cfg.ConfigFilesNotFoundError,
            config.nova, ['/nonexistent/nova.conf'], None)
        self.assertRaises(cfg.ConfigFileParseError, self.nova, 'what is this')
        self.assertRaises(
            ValueError, self.nova,
            '[service_user]\nsend_service_user_token = perhaps\n')


class TestCinder(ConfigTestCase):

    def test_registers_nothing_by_default(self):
        self.assertFalse(self.cinder(USER).registers)

    def test_registers(self):
        on = 'image_upload_use_cinder_backend = true\n'
        for text in ('[DEFAULT]\n' + on, '[backend_defaults]\n' + on,
                     '[DEFAULT]\nenabled_backends = x, ceph\n[ceph]\n' + on):
            self.assertTrue(self.cinder(text).registers, text)
        self.assertFalse(self.cinder('[unused]\n' + on).registers)

    def test_credentials(self):
        self.assertTrue(self.cinder(USER).proves_service)
        own = self.cinder(USER.replace('service_user]', 'glance]'))
        self.assertTrue(own.own_credentials)
        self.assertTrue(own.proves_service)
        self.assertFalse(self.cinder('').proves_service)
