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

"""What the plugin edits in the files of real releases."""

import pathlib
import shutil
import stat

from tests.devstack import base


class ConfigureTest(base.TestCase):

    def configure(self, options, **environment):
        self.write_glance(options)
        self.run_plugin('configure', **environment)
        return base.read(self.glance_conf)

    def changes(self, options):
        """Return (section, option) -> value, None where it is gone."""
        after = self.configure(options)
        return {
            (section, option): after.get(section, {}).get(option)
            for section in {*options, *after}
            for option in {*options.get(section, {}),
                           *after.get(section, {})}
            if options.get(section, {}).get(option) !=
            after.get(section, {}).get(option)}

    def test_stores_stay(self):
        for stores in base.SINGLE, base.MULTI:
            self.assertEqual({
                ('DEFAULT', 'show_multiple_locations'): 'False',
                ('glance_progress', 'location_consumers'): 'new-api',
            }, self.changes(stores))

    def test_routers(self):
        self.configure(base.SINGLE)
        for path, section, router in (
            (self.glance_paste, 'app:apiv2app', base.GLANCE_ROUTER),
            (self.nova_paste, 'app:osapi_compute_app_v21', base.NOVA_ROUTER),
        ):
            self.assertEqual({'paste.app_factory': router},
                             base.read(path)[section])

    def test_cinder(self):
        """There is nothing to edit: Cinder's half is in Glance's files."""
        self.configure(base.MULTI, ENABLED_SERVICES=base.WITH_CINDER)
        self.assertEqual(base.CINDER_CONF, self.cinder_conf.read_text())

    def test_without_nova(self):
        before = self.nova_paste.read_bytes()
        self.configure(base.SINGLE, ENABLED_SERVICES='g-api')
        self.assertEqual(before, self.nova_paste.read_bytes())
        self.assertEqual(base.NOVA_CONF, self.nova_conf.read_text())

    def test_without_glance(self):
        self.write_glance(base.SINGLE)
        before = self.contents()
        self.run_plugin('configure', ENABLED_SERVICES='n-cpu')
        changed = {pathlib.Path(path).name
                   for path, content in self.contents().items()
                   if content != before[path]}
        self.assertEqual({'nova.conf'}, changed)

    def test_nova_alone_in_an_environment_of_its_own(self):
        """Nova's is the only one that the package is in."""
        shutil.rmtree(self.environment['GLANCE_VENV'])
        self.run_plugin('configure', ENABLED_SERVICES='n-cpu')
        self.assertEqual('True', base.read(self.nova_conf)['service_user'][
            'send_service_user_token'])

    def test_neither(self):
        """There is nothing to install into, or to edit, and no script."""
        for project in 'GLANCE', 'NOVA':
            shutil.rmtree(self.environment[project + '_VENV'])
            shutil.rmtree(self.environment[project + '_CONF_DIR'])
        tempest = pathlib.Path(self.environment['TEMPEST_CONFIG'])
        tempest.write_text('[DEFAULT]\n')
        before = sorted(self.directory.rglob('*'))
        for services in 'q-agt', 'c-api,c-vol', 'tempest', 's-proxy':
            for action in 'install', 'configure', 'test-config', 'undo':
                self.run_plugin(action, ENABLED_SERVICES=services,
                                GLANCE_PROGRESS_APPLY_PATCHES='True')
        self.assertEqual(before, sorted(self.directory.rglob('*')))
        self.assertEqual('[DEFAULT]\n', tempest.read_text())

    def test_file_missing(self):
        self.write_glance(base.SINGLE)
        self.nova_paste.unlink()
        self.assertIn('There is no %s' % self.nova_paste,
                      self.run_plugin('configure', status=1))

    def test_edits_are_private(self):
        self.configure(base.SINGLE)
        for path in (self.state, *self.state.rglob('*')):
            self.assertEqual(0, stat.S_IMODE(path.stat().st_mode) & 0o77)


class ArgumentsTest(base.TestCase):

    def test_usage(self):
        self.assertIn('DIRECTORY is where', self.run_plugin('up', status=64))
