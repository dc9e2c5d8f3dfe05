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

"""A glance-api that has its memcached from keystonemiddleware's options."""

from __future__ import annotations

from typing import Any

from allinone.daemons import glance
from tests.functional import base
from tests.functional import glance_base
from tests.functional import services


class AuthtokenTest(base.TestCase):

    def api(self, name: str, **authtoken: Any) -> glance.GlanceBase:
        return glance_base.make(
            name, router='glance_progress.api:API.factory',
            section={'memcached_servers': ''},
            options={'DEFAULT': {'server_host': '127.0.0.1'},
                     'keystone_authtoken': authtoken})

    def uploaded(self, api: glance.GlanceBase) -> Any:
        """Upload an image, and return the progress that is shown of it."""
        client = api.client(glance_base.HEADERS)
        image = client.images.create(
            disk_format='raw', container_format='bare')
        client.images.upload(image.id, base.Body(b'abc'))
        _, answer = client.http_client.get(
            '/v2/images/%s/progress' % image.id)
        return answer

    def test_servers_with_a_family_and_a_reference(self) -> None:
        port = services.memcached().port
        with self.api('glance-referring',
                      memcached_servers='inet:$server_host:%d' % port) as api:
            api.wait_ready()
            answer = self.wait_for(lambda: self._with_memcached(api))
        self.assertEqual('done', answer['phase'])

    def _with_memcached(self, api: glance.GlanceBase) -> Any:
        answer = self.uploaded(api)
        return answer if answer['source'] == 'memcached' else None

    def test_a_login_that_pymemcache_cannot_do(self) -> None:
        with self.api('glance-with-a-login',
                      memcached_servers=services.memcached().address,
                      memcache_sasl_enabled=True, memcache_username='u',
                      memcache_password='hunter2') as api:
            api.wait_ready()
            answer = self.uploaded(api)
            log = api.log_path.read_text()
        self.assertEqual(('done', 'active', 'database'), (
            answer['phase'], answer['status'], answer['source']))
        self.assertEqual(1, log.count('memcache_sasl_enabled = True'))
        self.assertNotIn('hunter2', log)
