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

"""Says what to do when an upload that may be dead keeps others away.

Glance refuses data of an image that is saving, for ever when the process that
was at it has been killed. Its answer stays; what is known comes behind it.
"""

from __future__ import annotations

import time
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

from glance_progress.records import reader
from glance_progress.records import store_names
from glance_progress.records import wire
from glance_progress import section
from glance_progress import warning

LOG = logging.getLogger(__name__)

_TEXT = (
    '%s The upload that has begun before shows no sign of life%s. If it has '
    'ended, the operator can have the image wait for data again, with '
    '"glance-progress leftovers".')

_fault = warning.Hourly(LOG)
_seldom = warning.Seldom()


def explain(image: Any, exc: Any) -> None:
    """Tell more in *exc*, Glance's answer 409 to who uploads; never raise.

    :param image: Glance's, as the caller may see it
    """
    try:
        silent = _silent(image.image_id)
        if image.status != 'saving' or silent is None:
            return
        exc.explanation = _TEXT % (exc.explanation, silent)
        if _seldom.admits('saving'):
            LOG.warning(
                'Image %s is saving, its upload shows no sign of life%s, and '
                'another was refused. "glance-progress leftovers", where '
                'glance-api runs, says whether it is dead. (Said once an '
                'hour.)', image.image_id, silent)
    except Exception as fault:
        _fault.say('A refused upload is not told why.', exc=fault)


def _silent(image_id: str) -> str | None:
    """Return since when nothing is heard of an upload, in words.

    None when it lives, or when that cannot be told.
    """
    conf = cfg.CONF
    found = reader.get(conf).read(
        [image_id], [*store_names.all_of(conf), wire.BEGUN])
    if found is None:
        return None
    if not found:
        return ''
    last = max(found.values(), key=lambda record: record.order)
    if last.age(time.time()) <= conf[section.NAME].stalled_after:
        return None
    return ' since %s' % wire.iso(last.updated_at + last.skew)
