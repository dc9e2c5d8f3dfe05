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

"""What is left behind, with releases of Glance that run under eventlet.

It takes a minute a release, and is started by hand::

    python -m testtools.run tests.functional.leftovers_releases
"""

from __future__ import annotations

from allinone.daemons import glance
import rbd

from tests.functional import api_base
from tests.functional import base
from tests.functional import services
from tests.functional import test_leftovers

MiB = base.MiB
STORES = {name: api_base.STORES[name] for name in ('ceph', 'second')}


class Tests:

    def test_saving(self: test_leftovers.LeftoversCase) -> None:
        image_id = self.uploading()
        self.kill_workers()
        self.wait_for(self.api.ready)
        self.wait_for(lambda: not self.watched(image_id), 60)
        self.assertEqual({image_id: ('uploads left behind',)}, self.found())
        self.run_command('--remove', '--yes')
        self.assertEqual('queued', self.status(image_id))
        self.assertEqual([], self.names())
        # Its place is taken by the next.
        rbd.RBD().create(self.ioctx(), image_id, MiB, old_format=False)
        content = base.data(2 * MiB)
        upload = self.upload(image_id, len(content))
        upload.send(content)
        self.assertEqual(204, upload.end())
        self.assertEqual(content, self.rbd_content(image_id))
        self.client.images.delete(image_id)
        self.assertEqual({}, self.found())


class ZedTest(Tests, test_leftovers.LeftoversCase):
    """Debian's (25)."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-zed', kind=glance.DebianGlanceApi, workers=1,
            stores=STORES, venv=services.debian_venv())


class Glance2024Test(Tests, test_leftovers.LeftoversCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-2024', kind=glance.EventletGlanceApi, workers=1,
            stores=STORES, venv=services.released_venv('2024.1'))


class Glance2025Test(Tests, test_leftovers.LeftoversCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-2025', kind=glance.EventletGlanceApi, workers=1,
            stores=STORES, venv=services.released_venv('2025.2'))
