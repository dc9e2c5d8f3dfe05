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

"""What was heard of uploads through memcached, and of their processes."""

from __future__ import annotations

from collections.abc import Iterable
import socket

from oslo_config import cfg

from glance_progress.leftovers import facts
from glance_progress import process
from glance_progress.records import memcached
from glance_progress.records import reader
from glance_progress.records import store_names
from glance_progress.records import wire

_PAGE = 200


def of(conf: cfg.ConfigOpts, image_ids: Iterable[str]
       ) -> dict[str, facts.Heard]:
    """Return the newest that memcached holds of each image.

    Without memcached that is nothing, and nothing is taken for proven by it.
    """
    client = memcached.from_conf(conf)
    records = reader.from_conf(conf, client)
    places = [*store_names.all_of(conf), wire.BEGUN]
    newest: dict[str, wire.Record] = {}
    every = sorted(image_ids)
    for at in range(0, len(every), _PAGE):
        found = records.read(every[at:at + _PAGE], places)
        for (image_id, _), record in (found or {}).items():
            if (image_id not in newest
                    or record.order > newest[image_id].order):
                newest[image_id] = record
    return {image_id: _heard(record) for image_id, record in newest.items()}


def _heard(record: wire.Record) -> facts.Heard:
    ended = None
    # Of another host, it would only be known that it is none of this one.
    if record.worker is not None and record.host == socket.gethostname():
        ended = process.gone(record.worker)
    return facts.Heard(
        record.sequence, record.started_at, record.updated_at,
        record.state == wire.UPLOADING, ended,
        record.store == wire.STAGING_STORE)
