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

"""The options of how uploads are written, and to where."""

from __future__ import annotations

from oslo_config import cfg

from glance_progress.records import store_names
from glance_progress import section

OPTS = [
    cfg.Opt(
        'writes_in_flight',
        type=section.Integer(min=0, max=64),
        default=3,
        help="""
Number of chunks (``rbd_store_chunk_size``, 8 MiB) of an upload that are being
written to Ceph or hashed at the same time, while the next one is being read.

0 does one thing after the other, as the stock driver does. Each chunk takes
its size in memory, for each upload at a time; with ``rados_connect_timeout``,
up to as much again in librbd. Under eventlet only the writes overlap with the
rest. Where no thread runs, as in uwsgi without ``enable-threads``, it is as
with 0. While more uploads of a process than two for each processor hash, they
do one thing after the other as well.
"""),
    cfg.ListOpt(
        'stock_stores',
        default=[],
        help="""
Stores of type ``rbd`` that stay with the stock driver, without progress.

With ``glance_progress.api:API`` in glance-api-paste.ini all others of that
type show theirs. The names are those in ``enabled_backends``; without it, the
only store is called ``rbd``.
"""),
    cfg.BoolOpt(
        'honor_base_image_ref',
        default=True,
        help="""
Keep an uploaded volume in the store of the image that it was made from.

Cinder names that image in the header ``x-openstack-base-image-ref``. An upload
that names it, and no store, goes to a store where that image is; to the
default store when it is in none or when the caller may not see it. Needs
``glance_progress.api:API`` in glance-api-paste.ini, and ``enabled_backends``.
"""),
]


def check(conf: cfg.ConfigOpts) -> None:
    """Look whether the options name stores that there are.

    :param conf: loaded, with Glance's options
    :raises ValueError: naming option and value
    """
    known = store_names.backends(conf) or [store_names.UNNAMED]
    for name in section.of(conf, OPTS).stock_stores:
        if name not in known:
            raise ValueError(
                '[%s] stock_stores: there is no store %r; there is %s'
                % (section.NAME, name, ', '.join(known)))
