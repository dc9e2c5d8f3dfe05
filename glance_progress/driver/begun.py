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

"""Tells that Glance has begun an upload, before a driver has its data.

A process that is killed between these two leaves an image that is saving and
nothing else. The record is for those who look for that, and is not shown.
"""

from __future__ import annotations

import socket
import time

from oslo_config import cfg
from oslo_log import log as logging

from glance_progress import process
from glance_progress.records import publisher
from glance_progress.records import wire
from glance_progress import warning

_fault = warning.Hourly(logging.getLogger(__name__))


def tell(conf: cfg.ConfigOpts, image_id: str) -> None:
    """Tell that this process is at the data of an image; never raise."""
    try:
        now = round(time.time(), 3)
        publisher.get(conf).post(wire.Record(
            image_id=image_id, store=wire.BEGUN, state=wire.UPLOADING,
            bytes_written=0, total_bytes=None, started_at=now, updated_at=now,
            sequence=publisher.next_sequence(), host=socket.gethostname(),
            worker=process.identity()), urgent=True)
    except Exception as exc:
        _fault.say('It is not told that an upload begins.', exc=exc)
