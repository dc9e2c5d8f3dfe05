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

"""What Nova has written down of an image, in properties that it gives it."""

from __future__ import annotations

from collections.abc import Mapping
import json
from typing import Any


def of_server(properties: Mapping[str, Any]) -> bool:
    """Tell whether the image is for the disk of a server.

    Shelving makes it a snapshot as well.
    """
    return (properties.get('image_type') in ('snapshot', 'backup')
            and 'instance_uuid' in properties)


def volume_snapshots(properties: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of Cinder's snapshots that the image consists of.

    A server that boots from a volume has nothing that Nova would upload:
    Cinder makes snapshots of its volumes, and the image says which.
    Anybody may write the property, and anything into it.
    """
    text = properties.get('block_device_mapping')
    try:
        mapping = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return ()
    ids = (each.get('snapshot_id')
           for each in (mapping if isinstance(mapping, list) else ())
           if isinstance(each, dict))
    return tuple(each for each in ids if isinstance(each, str) and each)
