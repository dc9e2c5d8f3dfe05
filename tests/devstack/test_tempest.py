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

"""What the plugin tells Tempest of the cloud."""

import pathlib

from tests.devstack import base


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
        self.environment['ENABLED_SERVICES'] = base.WITH_CINDER
        for backend, expected in (
            ('', 'True'),
            ('image_upload_use_cinder_backend = False', 'True'),
            ('image_upload_use_cinder_backend = True', 'False'),
        ):
            self.cinder_conf.write_text(base.CINDER_CONF + backend + '\n')
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
