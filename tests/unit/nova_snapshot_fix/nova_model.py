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


"""A plain model of what Nova does to a server's image metadata.

As read in nova.compute.api and nova.conductor.manager of 34.0.0;
tests/nova/test_model.py holds it to the real ones.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools

from nova_snapshot_fix import judgement
from nova_snapshot_fix import known
from nova_snapshot_fix import remembered

KEY = known.KEY
PREFIX = remembered.IMAGE_PREFIX

#: Where a repair may fail: after what it has written.
CELL = 'cell'
REQUEST = 'request'

#: Properties that Nova knows, and so are in a RequestSpec as well.
KNOWN = ('hw_machine_type', 'hw_disk_bus', 'os_distro')


def as_known(properties):
    return {name: value for name, value in properties.items()
            if name in KNOWN}


def recorded(properties):
    return {PREFIX + name: value for name, value in properties.items()}


@dataclasses.dataclass
class Server:
    """A server, and what is wrong with it, which nobody else may look at.

    ``disk`` is the image that its disk or volume was made from.
    """

    volume_backed: bool
    image_ref: str
    disk: str | None
    metadata: dict
    requested: str | None
    requested_properties: dict
    rebuild: known.Rebuild = known.Rebuild.UNKNOWN
    ever_refused: bool = False
    rebuild_request: int = 0
    memory: remembered.Remembered | None = None
    memory_rebuild: known.Rebuild = known.Rebuild.UNKNOWN
    memory_request_refused: bool = False
    metadata_refused: bool = False
    request_refused: bool = False

    @property
    def key(self):
        return self.metadata.get(KEY)

    def written(self):
        """Return what somebody could change."""
        return copy.deepcopy((self.image_ref, self.metadata, self.requested,
                              self.requested_properties))


class Nova:
    """A cloud with one server at a time, and Glance and Cinder."""

    def __init__(self, base_of_snapshot=judgement.IMAGE):
        self.base_of_snapshot = base_of_snapshot
        self.images = {}
        self.volume_images = {}
        self.down = False
        self.extension = False
        self._ids = ('image-%d' % number for number in itertools.count())

    # What owners of images do.

    def add_image(self, properties):
        image_id = next(self._ids)
        self.images[image_id] = dict(properties)
        return image_id

    # What users do.

    def create(self, image_id):
        properties = self.images[image_id]
        metadata = recorded(properties)
        metadata.setdefault(KEY, image_id)
        return Server(False, image_id, image_id, metadata, image_id,
                      as_known(properties))

    def create_volume_backed(self, image_id, with_image_ref=False):
        """*image_id* is that of the volume, None for one of no image."""
        properties = self.images.get(image_id, {})
        self.volume_images['volume'] = (
            image_id and {**properties, 'image_id': image_id})
        ref = image_id if with_image_ref and image_id else ''
        metadata = recorded(properties)
        metadata.setdefault(KEY, ref)
        return Server(True, ref, image_id, metadata, ref or None,
                      as_known(properties))

    def snapshot(self, server):
        properties = {key[len(PREFIX):]: value
                      for key, value in server.metadata.items()}
        return self.add_image(properties)

    def write_key(self, server):
        """As shelve and resize do before they do anything."""
        server.metadata[KEY] = server.image_ref

    def register(self, server, name, value):
        """As the libvirt driver does, where the image does not say."""
        server.metadata.setdefault(PREFIX + name, value)

    def rebuild(self, server, image_id, refused=False):
        own = server.disk if server.volume_backed else server.image_ref
        another = own != image_id
        properties = self.images[image_id]
        remembers = self.extension and self._remember(server, another)
        server.rebuild_request += 1
        server.metadata = {**recorded(properties), KEY: image_id}
        server.metadata_refused = another and refused
        if not another:
            server.rebuild = known.Rebuild.ACCEPTED
        else:
            server.requested = image_id
            server.requested_properties = as_known(properties)
            server.request_refused = refused
            server.rebuild = (known.Rebuild.REFUSED if refused
                              else known.Rebuild.ACCEPTED)
        if remembers or server.rebuild is not known.Rebuild.REFUSED:
            # What is remembered may be older, of a refused rebuild; it
            # counts until one of those since was not refused.
            server.memory_rebuild = server.rebuild
        if server.rebuild is known.Rebuild.REFUSED:
            server.ever_refused = True
            if server.volume_backed and own:
                server.image_ref = own  # as the conductor has it
        elif server.volume_backed:
            server.disk = image_id
            self.volume_images['volume'] = {
                **properties, 'image_id': image_id}
        else:
            server.image_ref = server.disk = image_id

    def _remember(self, server, another):
        verdict = self.heal(server)
        remembers = another and verdict.of_server
        if remembers:
            server.memory = remembered.Remembered(
                server.image_ref, server.requested,
                server.rebuild_request + 1, dict(server.metadata), {})
            # It may name an image that nobody can tell from the right one.
            server.memory_request_refused = server.request_refused
        return remembers

    # What the command and the extension do.

    def _image(self, image_id):
        if self.down:
            return known.Unknown.NO_ANSWER
        properties = self.images.get(image_id)
        if properties is None:
            return known.Unknown.GONE
        return known.Image(image_id, properties.get('base_image_ref'),
                           as_known(properties), properties)

    def _volume(self, volume_id):
        if self.down:
            return known.Unknown.NO_ANSWER
        found = dict(self.volume_images[volume_id] or {})
        image_id = found.pop('image_id', None)
        return known.Image(image_id, None, as_known(found), found)

    def facts(self, server):
        return known.Facts(
            uuid='server', project_id=None, image_ref=server.image_ref,
            busy=False, metadata=dict(server.metadata),
            columns={'image_ref': server.image_ref},
            recorded=as_known({key[len(PREFIX):]: value
                               for key, value in server.metadata.items()}),
            volume_backed=server.volume_backed,
            volume='volume' if server.volume_backed else None,
            has_request=True, requested=server.requested,
            requested_properties=server.requested_properties,
            rebuild=server.rebuild, rebuild_request=server.rebuild_request,
            ever_refused=server.ever_refused,
            remembers=server.memory is not None,
            remembered=server.memory,
            remembered_rebuild=server.memory_rebuild)

    def judge(self, server):
        return judgement.judge(self.facts(server), self._image, self._volume,
                               self.base_of_snapshot)

    def heal(self, server, until=None):
        """Heal a server, all of it or *until* it fails.

        :param until: CELL, when nothing but the cell is written, or REQUEST,
            when the RequestSpec is, too, and the journal not cleared away
        """
        verdict = self.judge(server)
        restored = None
        if (verdict.row is judgement.Row.REFUSED_REQUEST
                and server.requested_properties == as_known(
                    self.images.get(server.image_ref, {}))):
            # Of two images with the same properties nobody can tell.
            server.metadata_refused = False
        if isinstance(verdict.restore, known.Image):
            restored = recorded(verdict.restore.record)
        elif verdict.restore is not None:
            restored = verdict.restore.image_metadata
            server.image_ref = verdict.restore.columns.get(
                'image_ref', server.image_ref)
        server.metadata = judgement.healed(
            self.facts(server), verdict, restored)
        if verdict.restore is not None:
            server.metadata_refused = False
        halfway = until and verdict.request
        if not halfway:
            server.memory = None
        elif restored is not None:
            server.memory = remembered.Remembered(
                server.image_ref, verdict.request_id, server.rebuild_request,
                dict(server.metadata), {}, written=True)
            server.memory_rebuild = server.rebuild
            if verdict.source is not judgement.Source.REMEMBERED:
                server.memory_request_refused = False
        if verdict.request and until != CELL:
            server.requested = verdict.request_id
            server.requested_properties = as_known({
                key[len(PREFIX):]: value
                for key, value in server.metadata.items()})
            server.request_refused = (
                isinstance(verdict.restore, remembered.Remembered)
                and server.memory_request_refused)
        return verdict
