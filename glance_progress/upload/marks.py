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

"""Properties of images by which later runs know what was uploaded here."""

from __future__ import annotations

from typing import Any

#: The run that uploads the image; gone when it is complete.
RUN = 'glance_progress_upload'

#: The checksum of what was uploaded, as ``algorithm:hex``, where Glance's own
#: hash is of something else or by another algorithm. A second one, of the
#: image, says that the first was seen to be of the same data.
CHECKSUM = 'glance_progress_checksum'


def hash_of(image: dict[str, Any]) -> tuple[str, str] | None:
    """Return algorithm and value of Glance's hash; None when it has none."""
    algorithm, value = image.get('os_hash_algo'), image.get('os_hash_value')
    return (algorithm, value) if algorithm and value else None


def checksum(data: str, image: dict[str, Any], seen: bool) -> str:
    """Return the value of CHECKSUM.

    :param data: ``algorithm:hex`` of what was uploaded
    :param seen: whether the image's hash was seen to be of the same data
    """
    found = hash_of(image)
    return '%s %s:%s' % (data, *found) if seen and found else data


def recorded(image: dict[str, Any]) -> tuple[str, str, bool] | None:
    """Return what CHECKSUM says of an image, None for nothing.

    :returns: algorithm, hexadecimal digits, and whether they are known to be
        of the data that the image has now
    """
    first, _, second = str(image.get(CHECKSUM) or '').partition(' ')
    algorithm, _, value = first.partition(':')
    if not value:
        return None
    found = hash_of(image)
    return algorithm, value, found is not None and second == '%s:%s' % found
