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

"""What the plugin makes of the options of image locations."""

import shutil
import subprocess

from tests.devstack import base


class LocationTest(base.TestCase):

    def locations(self, glance, nova, direct, before, cinder='29.0.0',
                  **environment):
        """Return show_multiple_locations, location_consumers, the token."""
        self.set_versions(glance, nova, cinder)
        self.nova_conf.write_text(base.NOVA_CONF)
        self.write_glance(base.SINGLE, show_image_direct_url=str(direct),
                          show_multiple_locations=str(before))
        self.run_plugin('configure', **environment)
        options = base.read(self.glance_conf)
        token = base.read(self.nova_conf).get('service_user', {})
        self.run_plugin('undo')
        return (options['DEFAULT']['show_multiple_locations'],
                options['glance_progress']['location_consumers'],
                token.get('send_service_user_token'))

    def test_matrix(self):
        for glance, nova, direct, result in (
            ('33.0.0', '34.0.0', True, ('False', 'new-api', 'True')),
            ('33.0.0', '34.0.0', False, ('False', 'new-api', 'True')),
            ('31.0.0', '32.0.0', True, ('False', 'new-api', 'True')),
            ('31.0.0.dev5', '32.0.0.0rc1.dev9', True,
             ('False', 'new-api', 'True')),
            ('30.0.0', '31.0.0', True, ('True', 'old-api', None)),
            ('30.0.0', '31.0.0', False, ('False', 'old-api', None)),
            ('28.1.0', '34.0.0', True, ('True', 'old-api', None)),
            ('25.1.0', '26.3.0', True, ('True', 'old-api', None)),
            # Checkouts without tags: whatever it is, it works
            ('33.0.0', '0.0.1', True, ('True', 'mixed', 'True')),
        ):
            for before in (False, True):
                self.assertEqual(
                    result, self.locations(glance, nova, direct, before),
                    '%s, %s, %s, %s' % (glance, nova, direct, before))

    def test_matrix_with_cinder(self):
        for glance, nova, cinder, result in (
            ('33.0.0', '34.0.0', '29.0.0', ('False', 'new-api', 'True')),
            ('33.0.0', '34.0.0', '25.0.0', ('True', 'mixed', 'True')),
            ('33.0.0', '31.0.0', '29.0.0', ('True', 'mixed', 'True')),
            # The new call has come with 26.3.0.
            ('33.0.0', '34.0.0', '26.0.0', ('True', 'mixed', 'True')),
            ('28.1.0', '34.0.0', '29.0.0', ('True', 'old-api', None)),
        ):
            self.assertEqual(
                result, self.locations(
                    glance, nova, True, True, cinder,
                    ENABLED_SERVICES=base.WITH_CINDER),
                '%s, %s, %s' % (glance, nova, cinder))

    def test_cinder_without_nova(self):
        for cinder, result in (('29.0.0', ('False', 'new-api', None)),
                               ('25.0.0', ('True', 'old-api', None))):
            self.assertEqual(result, self.locations(
                '33.0.0', '34.0.0', True, False, cinder,
                ENABLED_SERVICES='g-api,c-api,c-vol'))

    def test_cinder_not_installed(self):
        shutil.rmtree(self.environment['CINDER_VENV'] + '/metadata')
        self.write_glance(base.SINGLE)
        said = self.run_plugin(
            'configure', status=1, ENABLED_SERVICES=base.WITH_CINDER)
        self.assertIn('cinder is enabled and not installed', said)

    def test_consumers_given(self):
        self.assertEqual(
            ('True', 'mixed', 'True'), self.locations(
                '33.0.0', '34.0.0', True, False,
                GLANCE_PROGRESS_LOCATION_CONSUMERS='mixed'))

    def test_nova_elsewhere(self):
        self.assertEqual(
            ('True', 'mixed', None), self.locations(
                '33.0.0', '34.0.0', True, False, ENABLED_SERVICES='g-api'))

    def test_token_is_that_of_the_service(self):
        self.write_glance(base.SINGLE)
        self.run_plugin('configure')
        options = base.read(self.nova_conf)
        self.assertEqual(
            {'send_service_user_token': 'True',
             **options['keystone_authtoken']}, options['service_user'])


class CheckTest(base.TestCase):

    check = True

    def test_token_there_already(self):
        user = '\n[service_user]\nsend_service_user_token = 1\n'
        for more, status in (('auth_type = v3password\n', 1), ('', 0)):
            self.nova_conf.write_text(base.NOVA_CONF + user + more)
            self.write_glance(base.SINGLE, show_image_direct_url='True')
            self.run_plugin('configure', status=status)
            options = base.read(self.nova_conf)['service_user']
            self.assertEqual('1', options['send_service_user_token'])
            self.assertEqual(bool(more), 'username' not in options)

    def test_refused(self):
        self.set_versions('33.0.0', '31.0.0')
        self.write_glance(base.SINGLE, show_image_direct_url='True')
        self.run_plugin('configure')
        self.run_plugin('check')
        subprocess.run(['crudini', '--set', self.glance_conf, 'DEFAULT',
                        'show_multiple_locations', 'False'], check=True)
        said = self.run_plugin('check', status=1)
        self.assertIn('snapshots would fail', said)
        self.assertIn('Nova 31', said)

    def configure_with_cinder(self, cinder, more='', status=0):
        """Have a Cinder whose images are volumes, and return what is said."""
        self.set_versions('33.0.0', '34.0.0', cinder)
        self.cinder_conf.write_text(
            base.CINDER_CONF + 'image_upload_use_cinder_backend = True\n'
            + more)
        self.write_glance(base.SINGLE, show_image_direct_url='True')
        return self.run_plugin('configure', status=status,
                               ENABLED_SERVICES=base.WITH_CINDER)

    def test_cinder(self):
        """The plugin does not give it the credentials: DevStack does."""
        said = self.configure_with_cinder('29.0.0', status=1)
        self.assertIn('Making an image of a volume fails', said)
        self.configure_with_cinder('29.0.0', """
[service_user]
send_service_user_token = True
auth_type = password
auth_url = http://127.0.0.1/identity
username = cinder
password = secret
""")

    def test_old_cinder(self):
        self.configure_with_cinder('25.0.0')
        subprocess.run(['crudini', '--set', self.glance_conf, 'DEFAULT',
                        'show_multiple_locations', 'False'], check=True)
        said = self.run_plugin(
            'check', status=1, ENABLED_SERVICES=base.WITH_CINDER)
        self.assertIn('image_upload_use_cinder_backend is on', said)
        self.assertIn('Cinder 25', said)
