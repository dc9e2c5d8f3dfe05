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

from keystoneauth1 import exceptions

from glance_progress.upload import cloud
from tests.unit import base


class Api:

    def __init__(self, pages=()):
        self.asked = []
        self.pages = list(pages)

    def get(self, path):
        self.asked.append(path)
        return self.pages.pop(0)

    def request(self, method, path, **kwargs):
        self.asked.append((method, path, kwargs))
        if self.pages:
            raise self.pages.pop(0)


def an_image(name, owner='p'):
    return {'id': name, 'name': name, 'owner': owner}


class TestImages(base.TestCase):

    def test_named(self):
        api = Api([
            {'images': [an_image('a'), an_image('A'), an_image('a', 'q')],
             'next': '/v2/images?marker=a&name=a'},
            {'images': [an_image('a')]}])
        self.assertEqual(
            [an_image('a'), an_image('a')], cloud.Images(api).named('a', 'p'))
        self.assertEqual('/v2/images?marker=a&name=a', api.asked[1])

    def test_names_that_a_filter_would_misread(self):
        api = Api([{'images': [an_image('in:a,b')]}])
        cloud.Images(api).named('in:a,b', None)
        self.assertIn('name=in%3A%22in%3Aa%2Cb%22', api.asked[0])

    def test_stores(self):
        api = Api()
        images = cloud.Images(api)
        images.put('i', [], ('second',))
        self.assertEqual('second', api.asked[0][2]['headers'][
            'x-image-meta-store'])
        images.import_data('i', {'name': 'm'}, ('a', 'b'), False)
        images.import_data('i', {'name': 'm'}, (), True)
        self.assertEqual(
            [{'method': {'name': 'm'}, 'stores': ['a', 'b'],
              'all_stores_must_succeed': True},
             {'method': {'name': 'm'}, 'all_stores': True,
              'all_stores_must_succeed': True}],
            [kwargs['json'] for _, _, kwargs in api.asked[1:]])

    def test_delete_what_is_gone(self):
        cloud.Images(Api([exceptions.NotFound()])).delete('i')

    def test_words(self):
        for exc, said in (
                (ValueError('a\n  b'), 'a b'),
                (exceptions.BadRequest(
                    message='No.', details='plain'), 'No. (HTTP 400)'),
                (exceptions.BadRequest(
                    details='<html><head><title>400</title></head><body>'
                    '<h1>400 Bad Request</h1>The store<br /><br />x &amp; y '
                    '</body></html>'), 'The store x & y')):
            self.assertEqual(said, cloud.words(exc))
