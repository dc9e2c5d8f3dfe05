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
"""What takes a while."""

from __future__ import annotations

from collections.abc import Callable
import time
from typing import Any

from tempest.lib import exceptions

from glance_progress_tempest_plugin import services


def wait_for_progress(
    client: services.ProgressClient, image_id: str,
    condition: Callable[[dict[str, Any]], bool], what: str,
) -> list[dict[str, Any]]:
    """Wait for the progress of an image to fulfil a condition.

    :param what: the condition in words: "Image ... failed to ..."
    :returns: all answers until then; the last one fulfils the condition
    :raises tempest.lib.exceptions.TimeoutException: it has not, within the
        client's build_timeout
    """
    deadline = time.monotonic() + client.build_timeout
    seen: list[dict[str, Any]] = []
    while True:
        answer = client.show_progress(image_id)
        seen.append(answer)
        if condition(answer):
            return seen
        if time.monotonic() > deadline:
            raise exceptions.TimeoutException(
                'Image %s failed to %s within the required time (%s s). '
                'Current progress: %s' % (
                    image_id, what, client.build_timeout, answer))
        time.sleep(client.build_interval)
