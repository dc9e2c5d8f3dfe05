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

"""Has librbd write what it is given from where it lies.

librbd says that an asynchronous write is complete when nothing refers to its
data any longer. Where it has a cache it copies them, and an upload, which
reads nothing back, has no use for one.

A connection that is closed while it sends refers to what it has not sent
until it is reaped. Usually five have to be closed first, which may never be:
the connection to an OSD that is gone would hold up the upload for ever when
the others have long taken its data.

What is given up after ``rados_osd_op_timeout`` may be referred to for minutes
more, by a connection that is not closed. Then it is copied, as it is by a
librbd before 15, and with ``rbd_plugins``: of a persistent cache it is not
known when it lets go.
"""

from __future__ import annotations

from typing import Any

from glance_store._drivers import rbd as stock

# As seconds, or as a number, which it has been.
_NO_TIMEOUT = ('0', '0.000000')

# In this order: none without those before it.
_OPTIONS = (('ms_async_reap_threshold', '1'),
            ('rbd_disable_zero_copy_writes', 'false'),
            ('rbd_cache', 'false'))


def prepare(conn: Any) -> None:
    """Have images that *conn* opens be written so, if that is safe.

    :param conn: a connection to Ceph
    """
    try:
        if (conn.conf_get('rados_osd_op_timeout') in _NO_TIMEOUT
                and not conn.conf_get('rbd_plugins')):
            for option, value in _OPTIONS:
                conn.conf_set(option, value)
    except stock.rados.Error:
        pass  # an older one, which has no such option
