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

"""The text of a Ceph cluster's configuration and keyrings."""

from __future__ import annotations

import base64
from collections.abc import Mapping
import os
import struct
import time

#: Size in bytes of the sparse file that is an OSD's disk, where none is given.
OSD_SIZE = 12 * 2 ** 30

_CONF = """\
[global]
fsid = {fsid}
mon_host = v2:{mon_host}:{mon_port}/0
public_network = {network}
cluster_network = {network}
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
auth_allow_insecure_global_id_reclaim = false
run_dir = {directory}/run
crash_dir = {directory}/crash
log_file =
"""

CLIENT_CONF = _CONF + """\
keyring = {directory}/client/ceph.$name.keyring
# Else an image with clones cannot be deleted, and Glance answers 409.
rbd_default_clone_format = 2
"""

_SERVER_CONF = _CONF + """\
# A unix socket's path has at most 107 bytes, so it counts from the working
# directory, in which we start the daemons. Without it, no "ceph tell".
admin_socket = run/$name.asok
chdir =
mon_cluster_log_file =
log_to_stderr = true
mon_data = {directory}/mon
mgr_data = {directory}/mgr
osd_data = {directory}/osd/$id
keyring = {directory}/keyring
osd_pool_default_size = {copies}
osd_pool_default_min_size = {min_copies}
osd_pool_default_pg_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_allow_pool_delete = true
mon_warn_on_pool_no_redundancy = false
# The disk is somebody else's, too: its use says nothing of this cluster.
mon_data_avail_warn = 1
mon_data_avail_crit = 0
# There is no quorum to wait for (1 s); a quota is seen soon (5 s).
paxos_propose_interval = 0.05
mgr_stats_period = 1
mon_mgr_digest_period = 1
osd_objectstore = bluestore
bluestore_block_size = {osd_size}
# The least that the OSD accepts; the default is 4 GiB.
osd_memory_target = 939524096
"""

_ONE_OSD = """\
# Times osd_heartbeat_grace, 20 s. An OSD that stands still for longer than
# its lease may block all I/O for ever afterwards, "laggy", if there is no
# other one to acknowledge the next: ceph/ceph-container issue 1682.
osd_pool_default_read_lease_ratio = 30
"""

_SEVERAL_OSDS = """\
# All are on one host, and the monitor wants to hear it from two.
mon_osd_min_down_reporters = 1
# One that does not answer is missed sooner than after 20 s.
osd_heartbeat_grace = 8
osd_heartbeat_interval = 2
"""


def server_conf(osds: int) -> str:
    """Return the configuration of the daemons of a cluster, to be formatted.

    :param osds: number of OSDs
    """
    return _SERVER_CONF + (_ONE_OSD if osds == 1 else _SEVERAL_OSDS)


def caps(osds: int) -> dict[str, dict[str, str]]:
    """Return what entities may that the monitor knows from the first moment.

    :param osds: number of OSDs
    """
    return {
        'mon.': {'mon': 'allow *'},
        'client.admin': {'mon': 'allow *', 'osd': 'allow *', 'mgr': 'allow *'},
        'mgr.x': {'mon': 'allow profile mgr', 'osd': 'allow *'},
        **{f'osd.{number}': {'mon': 'allow profile osd',
                             'mgr': 'allow profile osd', 'osd': 'allow *'}
           for number in range(osds)},
    }


def _new_key() -> str:
    """Return a new cephx secret, as ceph-authtool makes them."""
    secret = os.urandom(16)
    head = struct.pack('<HIIH', 1, int(time.time()), 0, len(secret))
    return base64.b64encode(head + secret).decode()


def keyring(entity: str, caps: Mapping[str, str]) -> str:
    """Return the part of a keyring with a new key for one entity."""
    lines = [f'[{entity}]', f'key = {_new_key()}']
    lines += [f'caps {kind} = "{cap}"' for kind, cap in caps.items()]
    return '\n'.join(lines) + '\n'
