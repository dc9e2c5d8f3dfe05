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

"""Where the plugin installs the package, and what it patches."""

import re
import shutil

from patches import apply
from tests.devstack import base


class InstallTest(base.TestCase):

    FILES = {'glance': ('glance/api/v2/discovery.py',),
             'nova': ('nova/compute/api.py', 'nova/image/glance.py',
                      'nova/virt/libvirt/driver.py',
                      'nova/conductor/manager.py'),
             'cinder': ('cinder/image/glance.py',)}

    def setUp(self):
        super().setUp()
        self.files = {}
        for project, names in self.FILES.items():
            source = base.site_packages(base.prefix(project))
            metadata, = source.glob(project + '-[0-9]*.dist-info')
            target = (self.directory / (project + '-venv') / 'lib' /
                      'python3.11' / 'site-packages')
            (target / metadata.name).mkdir(parents=True)
            shutil.copy(metadata / 'METADATA', target / metadata.name)
            for name in names:
                path = target / name
                path.parent.mkdir(parents=True)
                shutil.copy(source / name, path)
            self.files[project] = path

    def pip_runs(self, project):
        log = self.directory / (project + '-venv') / 'bin' / 'pip.log'
        return log.read_text().splitlines() if log.exists() else []

    def sources(self):
        return {path: path.read_bytes()
                for path in self.directory.rglob('site-packages/**/*.py')}

    def patched(self):
        return {project for project in self.files if not apply.main(
            ['check', str(self.directory / (project + '-venv'))])}

    def test_each_environment(self):
        self.run_plugin('install')
        for project in ('glance', 'nova'):
            run, = self.pip_runs(project)
            self.assertTrue(run.endswith('-e %s' % base.PROJECT), run)
        self.assertEqual(set(), self.patched())

    def test_one_environment(self):
        self.environment['NOVA_VENV'] = self.environment['GLANCE_VENV']
        self.run_plugin('install')
        self.assertEqual(1, len(self.pip_runs('glance')))

    def test_cinder(self):
        """The package is not for its environment."""
        self.run_plugin('install', ENABLED_SERVICES=base.WITH_CINDER)
        self.assertEqual([], self.pip_runs('cinder'))

    def test_patches(self):
        before = self.sources()
        for services, patched in (
            (base.WITH_CINDER, {'glance', 'nova', 'cinder'}),
            ('g-api,n-api', {'glance', 'nova'}),
        ):
            for _ in range(2):
                self.run_plugin('install', ENABLED_SERVICES=services,
                                GLANCE_PROGRESS_APPLY_PATCHES='yes')
                self.assertEqual(patched, self.patched())
            self.run_plugin('undo')
            self.assertEqual(before, self.sources())

    def test_patched_before(self):
        apply.main(['apply', str(self.directory / 'glance-venv')])
        self.run_plugin('install', GLANCE_PROGRESS_APPLY_PATCHES='True')
        self.run_plugin('undo')
        self.assertEqual({'glance'}, self.patched())

    def test_local_changes(self):
        path = self.files['nova']
        path.write_text(path.read_text().replace('instance.image_ref', 'x'))
        self.assertIn('local changes', self.run_plugin(
            'install', status=1, GLANCE_PROGRESS_APPLY_PATCHES='True'))

    def relabel(self, project, version):
        tree = self.directory / (project + '-venv') / 'lib'
        metadata, = tree.glob(f'*/*/{project}-*/METADATA')
        metadata.write_text(re.sub(
            '(?m)^Version: .*', 'Version: ' + version, metadata.read_text()))

    def test_patches_of_a_stable_branch(self):
        self.relabel('nova', '34.0.1.dev2')
        self.relabel('cinder', '29.1.1.dev2')
        self.run_plugin('install', ENABLED_SERVICES=base.WITH_CINDER,
                        GLANCE_PROGRESS_APPLY_PATCHES='True')
        self.assertEqual({'glance', 'nova', 'cinder'}, self.patched())

    def test_no_patches_for_a_release(self):
        for project, version in (('cinder', '30.0.0'), ('nova', '35.0.0')):
            self.relabel(project, version)
            said = self.run_plugin(
                'install', status=1, ENABLED_SERVICES=base.WITH_CINDER,
                GLANCE_PROGRESS_APPLY_PATCHES='True')
            self.assertIn(f'no patches for {project} {version}', said)
