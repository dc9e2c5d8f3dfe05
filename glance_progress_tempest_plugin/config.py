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
"""What Tempest needs to be told of a cloud: ``[glance_progress]``.

The tests believe it. What is switched off, as all is at first, is skipped, and
what is switched on and does not work fails.
"""

from __future__ import annotations

from oslo_config import cfg

GROUP = cfg.OptGroup('glance_progress', title='glance-progress')

OPTS = [
    cfg.BoolOpt(
        'progress_api', default=False,
        help='Whether glance-api-paste.ini names the router of '
             'glance-progress, so that the Image API shows progress.'),
    cfg.ListOpt(
        'stores', default=[],
        help='Identifiers of the stores that show progress. Images are '
             'uploaded to the first one, and copied to the second one, or '
             'volumes made from an image there. To be left empty where '
             'glance-api has no enabled_backends.'),
    cfg.BoolOpt(
        'snapshot_direct', default=False,
        help='Whether Nova takes snapshots of servers by cloning their disks '
             'within Ceph. That needs [libvirt] images_type = rbd in '
             'nova.conf, and show_image_direct_url = True in '
             'glance-api.conf.'),
    cfg.BoolOpt(
        'volume_upload', default=False,
        help='Whether Cinder makes images of volumes by uploading them '
             'through the Image API, and not as volumes of its own: '
             'image_upload_use_cinder_backend = False in cinder.conf.'),
    cfg.BoolOpt(
        'nova_snapshot_fix', default=False,
        help='Whether api-paste.ini of nova-api names the router of '
             'nova_snapshot_fix, or Nova has the patches: without them, '
             'base_image_ref is wrong after a rebuild that is refused, and up '
             'to 21.2.0 after every rebuild.'),
]

OPTIONS = [(GROUP, OPTS)]
