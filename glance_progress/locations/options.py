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

"""The options of the rule on image locations."""

from __future__ import annotations

from oslo_config import cfg

from glance_progress.locations import facts

OPTS = [
    cfg.StrOpt(
        'location_consumers',
        sample_default='what the installed Glance leaves room for',
        choices=[
            (facts.OLD,
             'Nova before 2025.2 (32) or Cinder before 2025.2 (27) is among '
             'them: needs show_multiple_locations'),
            (facts.NEW,
             'all are of these releases or later and send a service token of '
             'a user with the role service: show_multiple_locations can be '
             'off'),
            (facts.MIXED,
             'both kinds, as in the middle of an upgrade: needs both'),
            (facts.NONE,
             'no server has its disk in Ceph, and no image is a volume'),
        ],
        help="""
How the Nova and Cinder of this cloud tell Glance where an image's data are.

It decides what ``location_check`` finds, and changes nothing in how Glance
works. When not set, it is ``old-api`` where Glance is older than 2024.2 (29),
since there is no other call; from then on it can be either, and ``enforce``
refuses nothing that may work, and warns of what may not.
"""),
    cfg.StrOpt(
        'location_check',
        default='enforce',
        choices=[
            ('enforce', 'glance-api does not start where snapshots must fail'),
            ('warn', 'it starts, and logs what was found'),
            ('off', 'nothing is checked'),
        ],
        help="""
What to do at start about settings of image locations that fail users.

With ``show_image_direct_url`` and without ``show_multiple_locations``, a Nova
that uses the old location call loses every snapshot of a server with its disk
in Ceph. Where no store is in Ceph, nothing is found.
``glance-progress-status check`` tells what would be found, before a restart.
Needs ``glance_progress.api:API`` in glance-api-paste.ini.
"""),
]
