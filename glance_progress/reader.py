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

"""Reads records from memcached."""

from __future__ import annotations

from collections.abc import Iterable

from oslo_log import log as logging

from glance_progress import memcached
from glance_progress import record as rec

LOG = logging.getLogger(__name__)


class Reader:
    """Finds the newest record of images in stores.

    :param client: where to look
    """

    def __init__(self, client: memcached.Memcached) -> None:
        self._client = client
        self._logged = False

    def read(
        self, image_ids: Iterable[str], stores: Iterable[str]
    ) -> dict[tuple[str, str], rec.Record] | None:
        """Return what is known of each of *image_ids* in each of *stores*.

        One round trip a server, however many are asked for.

        :returns: records by (image id, store); None when no server answered
        """
        stores = list(stores)
        wanted = {rec.key(image_id, store): (image_id, store)
                  for image_id in image_ids for store in stores}
        answers = self._client.get_many(wanted)
        if not answers:
            return None
        found: dict[tuple[str, str], rec.Record] = {}
        for answer in answers:
            for key, value in answer.items():
                place = wanted[key]
                record = self._decode(key, value, place)
                if record is None:
                    continue
                if place not in found or record.order > found[place].order:
                    found[place] = record
        return found

    def _decode(
        self, key: str, value: bytes, place: tuple[str, str]
    ) -> rec.Record | None:
        try:
            record = rec.Record.from_json(value)
            if (record.image_id, record.store) != place:
                raise rec.InvalidRecord('it is of image %.40r in %.40r' % (
                    record.image_id, record.store))
            return record
        except rec.InvalidRecord as exc:
            if not self._logged:
                self._logged = True
                LOG.warning('What memcached holds as %s is no progress record '
                            'and is ignored (said once): %s', key, exc)
            return None
