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

import hashlib
import pathlib

import fixtures

from glance_progress.upload import comparison
from glance_progress.upload import item
from glance_progress.upload import marks
from glance_progress.upload import sources
from tests.unit import base

DATA = b'data'
SHA512 = hashlib.sha512(DATA).hexdigest()
SHA256 = hashlib.sha256(DATA).hexdigest()


def an_image(**fields):
    return {'id': 'i1', 'name': 'a', 'status': 'active', 'size': len(DATA),
            'os_hash_algo': 'sha512', 'os_hash_value': SHA512,
            'created_at': '2021-02-01T10:52:38Z', **fields}


OTHER = {'os_hash_value': '0' * 128}


class TestJudge(base.TestCase):

    def setUp(self):
        super().setUp()
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        (folder / 'a').write_bytes(DATA)
        self.file = sources.File(folder / 'a')

    def judge(self, *images, update=False, **fields):
        return comparison.judge(
            item.Item('a', fields.pop('source', self.file), **fields), images,
            update)

    def check(self, action, verified, *images, **kwargs):
        verdict = self.judge(*images, **kwargs)
        self.assertEqual((action, verified),
                         (verdict.action, verdict.verified), verdict.why)
        return verdict

    def test_nothing_is_there(self):
        self.check('upload', None)
        self.check('upload', None, an_image(status='queued'))

    def test_same(self):
        self.check('skip', True, an_image())
        self.check('skip', True, an_image(
            os_hash_algo='sha256', os_hash_value=SHA256))

    def test_one_of_several(self):
        verdict = self.check(
            'skip', True, an_image(id='i0', **OTHER), an_image())
        self.assertEqual('i1', verdict.image['id'])
        self.assertEqual((), verdict.old)

    def test_old_ones_beside_it(self):
        """As a run leaves them that was killed before it renamed them."""
        old = an_image(id='i0', **OTHER)
        new = an_image(id='i2', created_at='2030-01-01T00:00:00Z', **OTHER)
        self.assertEqual((old,), self.check(
            'skip', True, old, an_image(), new, update=True).old)

    def test_other_data(self):
        for fields in (OTHER, {'size': 5}, {'os_hash_value': None}):
            self.check('refuse', None, an_image(**fields))
            verdict = self.check('upload', None, an_image(**fields),
                                 update=True)
            self.assertEqual(1, len(verdict.old))

    def test_file_of_another_size_is_not_read(self):
        self.file.digest = lambda algorithm: self.fail('it is read')
        self.check('refuse', None, an_image(size=5))

    def test_md5_alone(self):
        image = an_image(os_hash_algo=None, os_hash_value=None)
        verdict = self.check('skip', None, {
            **image, 'checksum': hashlib.md5(DATA).hexdigest()})
        self.assertIn('md5 alone', verdict.why)
        self.check('refuse', None, {**image, 'checksum': '0' * 32})

    def test_deactivated(self):
        self.check('refuse', None, an_image(status='deactivated'))

    def test_in_transit(self):
        for fields in ({'status': 'saving'}, {'status': 'importing'},
                       {'status': 'queued', marks.RUN: 'r'}):
            verdict = self.check('refuse', None, an_image(
                os_hash_value=None, size=None, **fields))
            self.assertIn('is being uploaded', verdict.why)

    def test_noted_checksum(self):
        url = sources.Url('http://127.0.0.1/')
        given = {'source': url, 'checksum': 'sha256:' + SHA256}
        noted = marks.checksum('sha256:' + SHA256, an_image(), True)
        self.check('skip', True, an_image(**{marks.CHECKSUM: noted}), **given)
        # Glance's hash is of something else by now.
        self.check('skip', None, an_image(**{
            marks.CHECKSUM: noted, **OTHER}), **given)
        self.check('refuse', None, an_image(**{
            marks.CHECKSUM: 'sha256:' + '0' * 64}), **given)

    def test_file_is_read_whatever_its_list_says(self):
        self.check('refuse', None, an_image(**OTHER),
                   checksum='sha512:' + '0' * 128)

    def test_old_name(self):
        self.assertEqual('a_20210201T105238Z', comparison.old_name(an_image()))
