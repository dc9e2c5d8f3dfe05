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

"""What unstack.sh has the plugin take back."""

import pathlib
import shutil
import subprocess
import sys

from tests.devstack import base


class UndoTest(base.TestCase):

    def test_byte_identical(self):
        self.check_byte_identical()

    def test_with_cinder(self):
        self.environment['ENABLED_SERVICES'] = base.WITH_CINDER
        self.check_byte_identical()

    def check_byte_identical(self):
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
        self.assertEqual('False', base.read(
            self.glance_conf)['DEFAULT']['show_multiple_locations'])
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
        # As stack.sh does with local.conf
        self.write_glance(base.SINGLE)
        self.run_plugin('configure')
        subprocess.run(['crudini', '--set', self.glance_conf, 'DEFAULT',
                        'debug', 'True'], check=True)
        subprocess.run(['crudini', '--set', self.glance_conf, 'glance_store',
                        'stores', 'rbd'], check=True)
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
