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


"""How the command asks Glance and Cinder, over HTTP."""

# Before anything else of nova or oslo.
from tests.nova import base

import collections
from http import server
import json
import threading

from keystoneauth1 import loading
from nova import conf
import testtools

from nova_snapshot_fix import images
from nova_snapshot_fix import known

try:
    from nova.tests.fixtures import ConfFixture
except ImportError:  # Victoria (22) and older
    from nova.tests.unit.conf_fixture import ConfFixture

FOREIGN = {'id': base.B, 'owner': 'somebody', 'visibility': 'private'}
IMAGE = {
    'id': base.A, 'self': '/v2/images/a', 'name': 'a', 'status': 'active',
    'owner': 'p', 'size': 1,
    'checksum': 'c', 'container_format': 'bare', 'disk_format': 'raw',
    'min_disk': 0, 'min_ram': 0, 'visibility': 'public', 'tags': [],
    'hw_machine_type': 'q35', 'licence': 'x', 'base_image_ref': base.B}


class _Handler(server.BaseHTTPRequestHandler):

    def do_GET(self):
        path = self.path.partition('?')[0]
        self.server.asked[path] += 1
        answer = self.server.answers.get(path, 404)
        if callable(answer):
            answer = answer()
        status = answer if isinstance(answer, int) else 200
        body = json.dumps({} if status != 200 else answer).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class ImagesTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(ConfFixture(conf.CONF))
        http = server.ThreadingHTTPServer(('127.0.0.1', 0), _Handler)
        self.addCleanup(http.server_close)
        self.addCleanup(http.shutdown)
        http.asked = self.asked = collections.Counter()
        url = 'http://127.0.0.1:%d' % http.server_port
        http.answers = self.answers = {
            '/': {'versions': [{
                'id': 'v2.17', 'status': 'CURRENT',
                'links': [{'rel': 'self', 'href': url + '/v2/'}]}]},
            '/v3': {'versions': [{
                'id': 'v3.0', 'status': 'CURRENT', 'version': '3.71',
                'min_version': '3.0', 'updated': '2023-08-31T00:00:00Z',
                'links': [{'rel': 'self', 'href': url + '/v3/'}]}]},
            '/v2/images': {'images': [FOREIGN]},
            '/v2/images/' + base.A: IMAGE}
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        conf.CONF.register_opts(
            loading.get_auth_plugin_conf_options('none'), 'service_user')
        for name, value, group in (
                ('auth_type', 'none', 'service_user'),
                ('endpoint_override', url, 'glance'),
                ('endpoint_template', url + '/v3/%(project_id)s', 'cinder')):
            conf.CONF.set_override(name, value, group)
        self.ask = images.Ask()

    def test_image(self):
        for _ in range(2):
            found = self.ask.image(base.A)
        self.assertEqual((base.A, base.B, {'hw_machine_type': 'q35'}),
                         (found.id, found.base, found.properties))
        self.assertEqual({'hw_machine_type': 'q35', 'licence': 'x',
                          'base_image_ref': base.B},
                         found.record['properties'])
        self.assertEqual('raw', found.record['disk_format'])
        self.assertEqual(1, self.asked['/v2/images/' + base.A])

    def test_gone(self):
        """That is only said by somebody who is shown what is not theirs."""
        self.assertIs(known.Unknown.GONE, self.ask.image(base.REFUSED))
        self.ask.image(base.MODEL)
        self.assertEqual(1, self.asked['/v2/images'])

    def test_not_seen(self):
        for answer in {'images': []}, 403:
            self.answers['/v2/images'] = answer
            self.assertIs(known.Unknown.NOT_SEEN,
                          images.Ask().image(base.REFUSED))

    def test_no_answer(self):
        for status in 401, 403, 500:
            self.answers['/v2/images/' + base.A] = status
            self.assertIs(known.Unknown.NO_ANSWER,
                          images.Ask().image(base.A))

    def test_volume(self):
        answers = self.answers
        volume = {'id': 'v', 'size': 2, 'volume_image_metadata': {
            'image_id': base.A, 'disk_format': 'raw', 'min_disk': '1',
            'hw_machine_type': 'q35'}}
        answers['/v3/volumes/v'] = {'volume': volume}
        found = self.ask.volume('v')
        self.assertEqual((base.A, {'hw_machine_type': 'q35'}),
                         (found.id, found.properties))
        del volume['volume_image_metadata']
        self.assertIsNone(self.ask.volume('v').id)
        self.assertIs(known.Unknown.NOT_SEEN, self.ask.volume('other'))
        answers['/v3/volumes/v'] = 500
        self.assertIs(known.Unknown.NO_ANSWER, self.ask.volume('v'))

    def test_no_credentials(self):
        conf.CONF.set_override('auth_type', None, 'service_user')
        self.assertRaises(images.NoCredentials, self.ask.image, base.A)
