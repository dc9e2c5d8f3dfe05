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


"""Cinder's uploads of volumes, with the patches of patches/cinder/."""

# Before anything else of cinder or oslo, since it patches eventlet.
from cinder.tests.unit import test

import io
import tempfile
from unittest import mock

from cinder.image import glance
from cinder.image import image_utils
from cinder.tests.unit.image import test_glance
from cinder.tests.unit import test_image_utils
from eventlet import tpool
from glanceclient.v2 import images
from os_brick.initiator import linuxrbd

IMAGE = {'id': '5d1f8a34-2c55-4f0a-8d1d-7c9e0f6b2e21', 'disk_format': 'raw',
         'container_format': 'bare'}
DATA = b'what the volume has in it'


class UpstreamGlanceTest(test_glance.TestGlanceImageService):
    pass


class UpstreamUploadTest(test_image_utils.TestUploadVolume):
    pass


class Volume:
    """Stands for rbd.Image."""

    def size(self):
        return len(DATA)

    def read(self, offset, length):
        return DATA[offset:offset + length]

    def require_not_closed(self):
        pass


class SizeTest(test.TestCase):

    def setUp(self):
        super().setUp()
        self.uploads = []
        wrapper = mock.Mock()
        wrapper.call.side_effect = self.call
        self.service = glance.GlanceImageService(client=wrapper)

    def call(self, context, method, *args, **kwargs):
        if method == 'upload':
            images.Controller(self, mock.Mock()).upload(*args, **kwargs)
        return mock.MagicMock()

    def put(self, url, headers, data):
        """What glanceclient would send."""
        told = headers.get('x-openstack-image-size')
        self.uploads.append((told and int(told), data.read()))
        return mock.MagicMock(), mock.Mock()

    def check(self, told, data):
        self.service.update(mock.Mock(), IMAGE['id'], {}, data)
        self.assertEqual([(told, DATA)], self.uploads)

    def test_volume_in_ceph(self):
        wrapper = linuxrbd.RBDVolumeIOWrapper(linuxrbd.RBDImageMetadata(
            Volume(), 'volumes', 'cinder', '/etc/ceph/ceph.conf'))
        self.check(len(DATA), tpool.Proxy(wrapper))

    def test_raw_volume(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(DATA)
            file.flush()
            image_utils.upload_volume(
                mock.Mock(), self.service, IMAGE, file.name, run_as_root=False)
        self.assertEqual([(len(DATA), DATA)], self.uploads)

    def test_no_size(self):
        class Pipe(io.RawIOBase):
            def read(self, size=-1):
                return DATA

        self.check(None, tpool.Proxy(Pipe()))
