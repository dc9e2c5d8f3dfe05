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
"""What all tests of images share."""

from __future__ import annotations

from typing import Any

from tempest import config
from tempest.lib.common.utils import data_utils
from tempest.lib.common.utils import test_utils
from tempest import test

from glance_progress_tempest_plugin.common import slow_upload
from glance_progress_tempest_plugin.common import waiters
from glance_progress_tempest_plugin import services

CONF = config.CONF

#: Where Glance keeps what is to be imported.
STAGING = 'os_glance_staging_store'


class BaseProgressTest(test.BaseTestCase):
    """Watches images of its own."""

    credentials = ['primary']

    @classmethod
    def skip_checks(cls) -> None:
        super().skip_checks()
        if not CONF.service_available.glance:
            raise cls.skipException('Glance is not available')
        if not CONF.glance_progress.progress_api:
            raise cls.skipException(
                'The Image API is without the extension: [glance_progress] '
                'progress_api is False')

    @classmethod
    def setup_credentials(cls) -> None:
        cls.set_network_resources()
        super().setup_credentials()

    @classmethod
    def setup_clients(cls) -> None:
        super().setup_clients()
        cls.images_client = cls.os_primary.image_client_v2
        cls.image_data_client = (
            cls.os_primary.glance_progress.ImageDataClient())
        cls.progress_client = cls.os_primary.glance_progress.ProgressClient()

    def create_image(self, **properties: Any) -> str:
        """Create an image without data and return its id."""
        image = self.images_client.create_image(
            name=data_utils.rand_name(
                prefix=CONF.resource_name_prefix,
                name=type(self).__name__ + '-image'),
            container_format='bare', disk_format='raw', **properties)
        self.addCleanup(
            self.images_client.wait_for_resource_deletion, image['id'])
        self.addCleanup(
            test_utils.call_and_ignore_notfound_exc,
            self.images_client.delete_image, image['id'])
        return image['id']

    def slow_upload(
        self, image_id: str, size: int, store: str | None = None
    ) -> slow_upload.SlowUpload:
        """Begin an upload of so many MiB, of which nothing is sent yet.

        :param store: the first one of our type if none is given
        """
        store = store or next(iter(CONF.glance_progress.stores), None)
        return slow_upload.SlowUpload(
            lambda data, size: self.image_data_client.store_image_file(
                image_id, data, size, store), size)

    def wait_for_bytes(
        self, image_id: str, more_than: int = 0
    ) -> list[dict[str, Any]]:
        """Wait until the store has taken more bytes, and return the answers.

        The image must be uploaded to one store, and not be in any other.
        """
        return waiters.wait_for_progress(
            self.progress_client, image_id,
            lambda answer: any(store['bytes_written'] > more_than
                               for store in answer['stores']),
            'show more than %d bytes' % more_than)

    def wait_for_phase(
        self, image_id: str, phase: str
    ) -> list[dict[str, Any]]:
        """Wait until an image is in a phase, and return the answers."""
        return waiters.wait_for_progress(
            self.progress_client, image_id,
            lambda answer: answer['phase'] == phase,
            'get to the phase ' + phase)

    def in_transit(
        self, client: services.ProgressClient
    ) -> dict[str, dict[str, Any]]:
        """Return what the list of images in transit says, by id."""
        # The newest come first, so that those of the test are among them.
        answer = client.list_progress(limit=1000)
        return {image['image_id']: image for image in answer['images']}


def by_store(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {store['store']: store for store in answer['stores']}
