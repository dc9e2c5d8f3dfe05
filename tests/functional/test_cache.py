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

"""Glance's cache of images, before stores of ours."""

from __future__ import annotations

import hashlib

from allinone.daemons import glance
from allinone.daemons import glance_config
from glance_progress.answer import phases
from tests.functional import api_base
from tests.functional import base
from tests.functional import services

MiB = base.MiB


class CacheTests:
    """What holds for each way to run glance-api."""

    @classmethod
    def cached(cls, name: str, **kwargs: object) -> glance.GlanceBase:
        directory = services.directory() / name / 'cache'
        return api_base.make(
            name, stores={'ceph': api_base.STORES['ceph']}, options={
                'DEFAULT': {'image_cache_dir': directory,
                            'image_cache_driver': 'sqlite'},
                'paste_deploy': {
                    'flavor': glance_config.FLAVOR + '+cachemanagement'},
            }, **kwargs)

    def download(self, image_id: str) -> str:
        answer = self.get('/v2/images/%s/file' % image_id)
        self.assertEqual(200, answer.status_code)
        return hashlib.sha256(answer.content).hexdigest()

    def is_cached(self, image_id: str) -> bool:
        answer = self.get('/v2/cache', api_base.ADMIN)
        self.assertEqual(200, answer.status_code, answer.text)
        return image_id in [
            image['image_id'] for image in answer.json()['cached_images']]

    def check_served_from_cache(self, image_id: str, digest: str) -> None:
        """What Ceph does not give, while it stands still, the cache has."""
        with self.ceph_stopped():
            self.assertEqual(digest, self.download(image_id))
            self.assertEqual('done', self.progress(image_id)['phase'])

    def test_download(self) -> None:
        content = base.data(4 * MiB + 7)
        digest = hashlib.sha256(content).hexdigest()
        image_id = self.put(content)
        self.assertEqual(digest, self.download(image_id))
        self.wait_for(lambda: self.is_cached(image_id))
        self.check_served_from_cache(image_id, digest)

    def test_prefetch(self) -> None:
        content = base.data(32 * MiB)
        image_id = self.put(content)
        answer = self.request(
            'PUT', '/v2/cache/' + image_id, api_base.ADMIN)
        self.assertEqual(202, answer.status_code, answer.text)
        seen = set()

        def over() -> bool:
            seen.add(self.progress(image_id)['phase'])
            return self.is_cached(image_id)

        self.wait_for(over)
        # To read it is no phase of an upload's, nor of a hash.
        self.assertEqual({phases.DONE}, seen)
        self.check_served_from_cache(
            image_id, hashlib.sha256(content).hexdigest())


class CacheTest(CacheTests, api_base.ApiTestCase):
    """Today's Glance."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return cls.cached('glance-cache')


class EventletTest(CacheTests, api_base.ApiTestCase):
    """The last release but one that has a script."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return cls.cached(
            'glance-cache-eventlet', kind=glance.EventletGlanceApi,
            workers=1, venv=services.released_venv('2025.2'))
