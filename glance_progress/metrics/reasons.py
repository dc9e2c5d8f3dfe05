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

"""Kinds of failures, few enough to be the values of a label.

What the API says is a sentence. Each of them is here, so that one that is new
is noticed by the tests; of those that another version says, ``other`` is said.
"""

from __future__ import annotations

import re

OTHER = 'other'

_SENTENCES = {
    'no_room': (
        'The store has no room left for the image data.',
        'The staging area has no room left for the image data.'),
    'quota': (
        'The image exceeds the quota.',
        'The image is larger than Glance allows.'),
    'store_closed': (
        'The store does not accept image data.',),
    'store': (
        'The store failed to write the image data.',
        'The store could not be reached.',
        'The store did not answer in time.',
        'The store already holds data for this image.',
        'Glance has not kept the image data in this store.',
        'The import into this store failed.',
        'The data were taken away before they were whole.',
        'The image data could not be read from the store that has them.'),
    'sender': (
        'The image data could not be read to its end; the sender may have '
        'gone away.',
        'The image data has another size than was announced.'),
    'service_ended': (
        'The upload was ended by the service.',),
    'aborted': (
        'The import was given up.',),
    'source': (
        'The source of the image data could not be reached.',
        'The name of the source of the image data could not be resolved.',
        'The source of the image data has a certificate that Glance does not '
        'trust.',
        'The source of the image data redirects to a place that Glance must '
        'not read from.',
        'Glance must not read image data from this source.',
        'The source has no such image data.',
        'The source denies access to the image data.',
        'The source of the image data answered with an error.',
        'The source of the image data gave no valid answer.',
        'The source sent another amount of image data than it announced.',
        'The image to be downloaded is not active where it is.',
        'The source does not say how large the image is.',
        'There is no Glance in the region to download from.'),
    'format': (
        'The image data is not of the announced format.',
        'The image data could not be decompressed; they may be damaged, or '
        'hold more than one file.',
        'The image could not be converted; its data may be damaged, or not '
        'of the announced format.',
        'The image data failed a safety check.',
        'The image data is not of the announced format, or failed a safety '
        'check.',
        'Glance is not able to convert images.'),
    'signature': (
        'The signature of the image data is wrong.',
        'The signature of the image data could not be checked.'),
    'checksum': (
        'The image data have another size or checksum than those of the '
        'image.',),
    'refused': (
        'Glance refused the image data.',
        'The token had expired.',
        'The caller may not upload data of this image.',
        'There is no store of the name that was asked for.'),
    'staged_elsewhere': (
        'The import could not begin: the part of Glance that has staged the '
        'image data could not be reached. The data are staged still, and the '
        'import can be tried again.',),
}

_KINDS = {sentence: kind for kind, sentences in _SENTENCES.items()
          for sentence in sentences}

#: All that kind() returns.
KINDS = (*_SENTENCES, OTHER)

# An HTTP status
_NUMBER = re.compile(r' \(\d+\)(?=\.$)')


def kind(sentence: str | None) -> str:
    """Return which of KINDS a ``failure`` of the API is."""
    return _KINDS.get(_NUMBER.sub('', sentence or ''), OTHER)
