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

"""The functions of the DevStack plugin, on files of real releases."""

import pathlib
import shutil
import stat
import subprocess
import sys

from patches import apply
from tests.devstack import base

STORES = ('glance_store', 'stores')
BACKENDS = ('DEFAULT', 'enabled_backends')


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

    def test_single_store(self):
        self.assertEqual({
            STORES: 'file, http, rbd_progress',
            ('DEFAULT', 'show_multiple_locations'): 'False',
            ('glance_progress', 'location_consumers'): 'new-api',
        }, self.changes(base.SINGLE))

    def test_multi_store(self):
        self.assertEqual({
            BACKENDS: 'robust_rbd:rbd_progress,fast:file',
            ('DEFAULT', 'show_multiple_locations'): 'False',
            ('glance_progress', 'location_consumers'): 'new-api',
        }, self.changes(base.MULTI))

    def test_spellings(self):
        for (section, option), before, after in (
            (STORES, 'rbd', 'rbd_progress'),
            (STORES, 'rbd,file', 'rbd_progress,file'),
            (STORES, 'file , rbd , http', 'file , rbd_progress , http'),
            (BACKENDS, 'a:rbd', 'a:rbd_progress'),
            (BACKENDS, 'rbd:rbd, b:rbd,c:file',
             'rbd:rbd_progress, b:rbd_progress,c:file'),
            (BACKENDS, 'rbd:file,rbd2:rbd', 'rbd:file,rbd2:rbd_progress'),
        ):
            options = self.configure({section: {option: before}})
            self.assertEqual(after, options[section][option])

    def test_no_rbd(self):
        self.write_glance({'glance_store': {'stores': 'file,http'}})
        said = self.run_plugin('configure')
        self.assertIn('No store of type rbd', said)
        self.assertEqual(
            'file,http', base.read(self.glance_conf)['glance_store']['stores'])

    def test_routers(self):
        self.configure(base.SINGLE)
        for path, section, router in (
            (self.glance_paste, 'app:apiv2app', base.GLANCE_ROUTER),
            (self.nova_paste, 'app:osapi_compute_app_v21', base.NOVA_ROUTER),
        ):
            self.assertEqual({'paste.app_factory': router},
                             base.read(path)[section])

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


class UndoTest(base.TestCase):

    def test_byte_identical(self):
        packaged = pathlib.Path(sys.prefix) / 'etc/glance/glance-api.conf'
        for stores in (base.SINGLE, base.MULTI):
            shutil.copy(packaged, self.glance_conf)
            for section, options in stores.items():
                for option, value in options.items():
                    subprocess.run(['crudini', '--set', self.glance_conf,
                                    section, option, value], check=True)
            before = self.contents()
            self.run_plugin('configure')
            self.assertNotEqual(before, self.contents())
            self.run_plugin('undo')
            self.assertSame(before, self.contents())
        self.assertEqual([], list(self.state.iterdir()))

    def test_odd_lines(self):
        # Spaces, empty lines, sections in an unusual order
        self.glance_conf.write_text(
            '[glance_store]\nstores\t=  file,http ,rbd  \n\n'
            '[DEFAULT]\nshow_multiple_locations=1\n\n\n'
            '[glance_progress]\n\n[paste_deploy]\nflavor = keystone\n')
        before = self.contents()
        self.run_plugin('configure')
        self.assertEqual('file,http ,rbd_progress', base.read(
            self.glance_conf)['glance_store']['stores'])
        self.run_plugin('undo')
        self.assertSame(before, self.contents())

    def test_twice(self):
        self.write_glance(base.SINGLE, show_image_direct_url='True')
        before = self.contents()
        self.run_plugin('configure')
        once = self.contents()
        self.run_plugin('configure')
        self.assertSame(once, self.contents())
        self.run_plugin('undo')
        self.run_plugin('undo')
        self.assertSame(before, self.contents())

    def test_mode_and_owner(self):
        self.write_glance(base.SINGLE)
        self.glance_conf.chmod(0o640)
        self.run_plugin('configure')
        before = self.glance_conf.stat()
        self.run_plugin('undo')
        after = self.glance_conf.stat()
        self.assertEqual((before.st_mode, before.st_ino),
                         (after.st_mode, after.st_ino))

    def test_others_edits_stay(self):
        self.write_glance(base.SINGLE)
        self.run_plugin('configure')
        for words in (
            ('glance_progress', 'stalled_after', '7'),
            ('glance_store', 'stores', 'file'),
            ('DEFAULT', 'debug', 'True'),
            ('new', 'option', 'value'),
        ):
            subprocess.run(['crudini', '--set', self.glance_conf, *words],
                           check=True)
        self.run_plugin('undo')
        self.assertEqual({
            'DEFAULT': {'show_multiple_locations': 'True', 'debug': 'True'},
            'glance_store': {**base.SINGLE['glance_store'], 'stores': 'file'},
            'glance_progress': {'stalled_after': '7'},
            'new': {'option': 'value'},
        }, base.read(self.glance_conf))

    def test_edits_in_between_stay(self):
        # As stack.sh does with local.conf, after which we look again
        self.write_glance(base.SINGLE)
        self.run_plugin('configure')
        subprocess.run(['crudini', '--set', self.glance_conf, 'DEFAULT',
                        'debug', 'True'], check=True)
        subprocess.run(['crudini', '--set', self.glance_conf, 'glance_store',
                        'stores', 'rbd'], check=True)
        self.run_plugin('extra')
        self.assertEqual('rbd_progress', base.read(
            self.glance_conf)['glance_store']['stores'])
        self.run_plugin('undo')
        options = base.read(self.glance_conf)
        self.assertEqual(
            ('rbd', 'True', 'True'),
            (options['glance_store']['stores'], options['DEFAULT']['debug'],
             options['DEFAULT']['show_multiple_locations']))
        self.assertNotIn('location_consumers',
                         options.get('glance_progress', {}))

    def test_files_made_anew(self):
        # As stack.sh does with nova.conf and the paste files
        self.write_glance(base.SINGLE)
        before = self.contents()
        self.run_plugin('configure')
        once = self.contents()
        for path in (self.nova_conf, self.nova_paste):
            path.write_bytes(b''.join(before[str(path)]))
        self.run_plugin('configure')
        self.assertSame(once, self.contents())
        self.run_plugin('undo')
        self.assertSame(before, self.contents())

    def test_files_gone(self):
        self.write_glance(base.SINGLE)
        self.run_plugin('configure')
        shutil.rmtree(self.glance_conf.parent)
        self.run_plugin('undo')
        self.assertEqual(base.NOVA_CONF, self.nova_conf.read_text())


class LocationTest(base.TestCase):

    def locations(self, glance, nova, direct, before, **environment):
        """Return show_multiple_locations, location_consumers, the token."""
        self.set_versions(glance, nova)
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


class TempestTest(base.TestCase):

    def tempest(self, options, direct='True'):
        self.write_glance(options, show_image_direct_url=direct)
        path = pathlib.Path(self.environment['TEMPEST_CONFIG'])
        path.write_text('')
        self.run_plugin('configure')
        self.run_plugin('test-config')
        return base.read(path)['glance_progress']

    def test_single_store(self):
        self.assertEqual(
            {'progress_api': 'True', 'stores': '', 'snapshot_direct': 'True',
             'volume_upload': 'False', 'nova_snapshot_fix': 'True'},
            self.tempest(base.SINGLE))

    def test_volumes(self):
        cinder = self.directory / 'cinder'
        cinder.mkdir()
        self.environment.update(
            ENABLED_SERVICES='g-api,n-api,c-vol,tempest',
            CINDER_CONF_DIR=str(cinder),
            GLANCE_PROGRESS_LOCATION_CONSUMERS='new-api')
        for backend, expected in (
            ('', 'True'),
            ('image_upload_use_cinder_backend = False', 'True'),
            ('image_upload_use_cinder_backend = True', 'False'),
        ):
            (cinder / 'cinder.conf').write_text(
                '[DEFAULT]\nenabled_backends = lvm,ceph\n[ceph]\n' + backend)
            self.assertEqual(
                expected, self.tempest(base.SINGLE)['volume_upload'])

    def test_routers_gone(self):
        """As after an upgrade that has brought the packaged files back."""
        self.tempest(base.SINGLE)
        for path, ours, stock in (
            (self.glance_paste, base.GLANCE_ROUTER,
             'glance.api.v2.router:API.factory'),
            (self.nova_paste, base.NOVA_ROUTER,
             'nova.api.openstack.compute:APIRouterV21.factory'),
        ):
            path.write_text(path.read_text().replace(ours, stock))
        self.run_plugin('test-config')
        options = base.read(
            self.environment['TEMPEST_CONFIG'])['glance_progress']
        self.assertEqual(('False', 'False'), (
            options['progress_api'], options['nova_snapshot_fix']))

    def test_default_store_first(self):
        options = {**base.MULTI, 'DEFAULT': {
            'enabled_backends': 'a:rbd, fast:file, robust_rbd:rbd'}}
        self.assertEqual('robust_rbd,a', self.tempest(options)['stores'])

    def test_no_direct_snapshots(self):
        self.assertEqual(
            'False', self.tempest(base.MULTI, 'False')['snapshot_direct'])
        self.nova_conf.write_text(
            base.NOVA_CONF.replace('images_type = rbd', ''))
        self.assertEqual('False', self.tempest(base.MULTI)['snapshot_direct'])


class InstallTest(base.TestCase):

    FILES = {'glance': ('glance/api/v2/discovery.py',),
             'nova': ('nova/compute/api.py', 'nova/image/glance.py',
                      'nova/virt/libvirt/driver.py',
                      'nova/conductor/manager.py')}

    def setUp(self):
        super().setUp()
        self.files = {}
        for project, prefix in (('glance', pathlib.Path(sys.prefix)),
                                ('nova', base.nova_prefix())):
            source = base.site_packages(prefix)
            metadata, = source.glob(project + '-[0-9]*.dist-info')
            target = (self.directory / (project + '-venv') / 'lib' /
                      'python3.11' / 'site-packages')
            (target / metadata.name).mkdir(parents=True)
            shutil.copy(metadata / 'METADATA', target / metadata.name)
            for name in self.FILES[project]:
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

    def test_patches(self):
        before = self.sources()
        for _ in range(2):
            self.run_plugin('install', GLANCE_PROGRESS_APPLY_PATCHES='yes')
            self.assertEqual({'glance', 'nova'}, self.patched())
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

    def relabel_nova(self, version):
        metadata, = self.files['nova'].parents[2].glob('nova-*/METADATA')
        metadata.write_text(metadata.read_text().replace(
            'Version: 34.0.0', 'Version: ' + version))

    def test_patches_of_a_stable_branch(self):
        self.relabel_nova('34.0.1.dev2')
        self.run_plugin('install', GLANCE_PROGRESS_APPLY_PATCHES='True')
        self.assertEqual({'glance', 'nova'}, self.patched())

    def test_cinder(self):
        metadata = self.directory / 'cinder-venv' / 'cinder-30.0.0.dist-info'
        metadata.mkdir(parents=True)
        (metadata / 'METADATA').write_text('Name: cinder\nVersion: 30.0.0\n')
        (metadata.parent / 'cinder').mkdir()
        self.assertIn('no patches for cinder 30.0.0', self.run_plugin(
            'install', status=1, GLANCE_PROGRESS_APPLY_PATCHES='True',
            ENABLED_SERVICES='g-api,n-api,cinder,c-vol',
            CINDER_VENV=str(metadata.parent)))

    def test_no_patches_for_a_release(self):
        self.relabel_nova('35.0.0')
        self.assertIn('no patches for nova 35.0.0', self.run_plugin(
            'install', status=1, GLANCE_PROGRESS_APPLY_PATCHES='True'))


class ArgumentsTest(base.TestCase):

    def test_usage(self):
        self.assertIn('DIRECTORY is where', self.run_plugin('up', status=64))
