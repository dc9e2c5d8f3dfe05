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


"""The options of ``[nova_snapshot_fix]``."""

from __future__ import annotations

from oslo_config import cfg

from nova_snapshot_fix import judgement

GROUP = 'nova_snapshot_fix'

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'base_of_snapshot',
        default=judgement.IMAGE,
        choices=[
            (judgement.IMAGE,
             'the snapshot, as Nova writes it at a rebuild'),
            (judgement.ORIGIN,
             'the image that the snapshot stems from, as Nova writes it for '
             'a new server'),
        ],
        help="""
Base image of a server whose image is itself a snapshot, where the server's
metadata lack it, or are those of an image that a rebuild was refused for.

A value that is one of the two is right and stays. On a Nova whose rebuild
records the base image itself (21.2.1, 22.0.0 and later), that of a rebuild is
always the snapshot.
"""),
]


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """Return the options for oslo-config-generator."""
    return [(GROUP, OPTS)]


def register(conf: cfg.ConfigOpts) -> None:
    """Make the options known to *conf*; doing so again changes nothing."""
    conf.register_opts(OPTS, group=GROUP)
