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

"""Writes a file for node_exporter's textfile collector."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import Any

from oslo_log import log as logging
import prometheus_client

from glance_progress import warning

LOG = logging.getLogger(__name__)

_seldom = warning.Seldom()


class Unusable(ValueError):
    """The file cannot be written; the text says why."""


def write(path: str, registry: Any) -> None:
    """Write what there is, as a whole.

    :raises Unusable: when it fails
    """
    try:
        prometheus_client.write_to_textfile(path, registry)
    except OSError as exc:
        raise Unusable('%s cannot be written (%s)' % (path, exc)) from exc


def write_until(
    ended: threading.Event, path: str, registry: Any, interval: float
) -> None:
    """Write what there is again and again, whether or not it can be written.

    At the end the file is removed, since nothing in it is true any more.

    :param ended: is set when it is over
    :param interval: seconds between two times
    """
    while not ended.wait(interval):
        try:
            write(path, registry)
        except Unusable as exc:
            if _seldom.admits(path):
                LOG.error('%s (said once an hour)', exc)
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
