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


"""Brings one server back to what is right: system_metadata and RequestSpec."""

from __future__ import annotations

import dataclasses
from typing import Any
from typing import Protocol
from typing import Union

from nova import context as nova_context
from nova import exception

from nova_snapshot_fix import database
from nova_snapshot_fix import facts as servers
from nova_snapshot_fix import judgement
from nova_snapshot_fix import known
from nova_snapshot_fix import remembered
from nova_snapshot_fix import request_spec

# Of a conflict the second attempt knows what the other one has written.
_ATTEMPTS = 3


class Ask(Protocol):
    """Asks Glance and Cinder."""

    def image(self, image_id: str) -> Union[
            known.Image, known.Unknown]:
        """Return an image, or why it is not known."""

    def volume(self, volume_id: str) -> Union[
            known.Image, known.Unknown]:
        """Return the image that a volume was made from."""


@dataclasses.dataclass(frozen=True)
class Healed:
    """What came of a server.

    ``written`` says that what *verdict* wanted is written, or that it wanted
    nothing. It is False where the server was busy each time.
    """

    facts: known.Facts
    verdict: judgement.Verdict
    written: bool

    @property
    def changed(self) -> bool:
        return self.written and wants(self.facts, self.verdict)


def judge(
    context: Any, server: servers.Server, ask: Ask, base_of_snapshot: str
) -> tuple[known.Facts, judgement.Verdict]:
    """Return what is wrong with a server; nothing is written."""
    facts = server.facts(context)
    return facts, judgement.judge(
        facts, ask.image, ask.volume, base_of_snapshot)


def wants(facts: known.Facts, verdict: judgement.Verdict) -> bool:
    """Return whether a verdict says to write anything."""
    return (verdict.restore is not None or verdict.request or verdict.clear
            or verdict.key != facts.key)


def heal(
    context: Any, uuid: str, ask: Ask,
    base_of_snapshot: str = judgement.IMAGE,
) -> Healed:
    """Make a server consistent, in the databases.

    What belongs to the server is written first, and its RequestSpec then. What
    fails in between is finished by the next call.

    :param context: targeted at the cell of the server
    :raises nova.exception.InstanceNotFound: if it is not there
    :raises oslo_db.exception.DBError: if a database fails
    """
    for _ in range(_ATTEMPTS):
        server = servers.load(context, [uuid]).get(uuid)
        if server is None:
            raise exception.InstanceNotFound(instance_id=uuid)
        facts, verdict = judge(context, server, ask, base_of_snapshot)
        if facts.busy:
            break
        if not wants(facts, verdict) or _write(
                context, server, facts, verdict):
            return Healed(facts, verdict, True)
    return Healed(facts, verdict, False)


def _write(
    context: Any, server: servers.Server, facts: known.Facts,
    verdict: judgement.Verdict,
) -> bool:
    restored, columns = _restored(context, facts, verdict)
    metadata = judgement.healed(facts, verdict, restored)
    before = server.instance
    if verdict.request:
        # Cell and API database are two transactions. What is written in
        # between says to the next one how this one would have ended.
        journal = {key: before.metadata[key]
                   for key in remembered.keys(before.metadata)}
        if restored is not None:
            image_ref = columns.get('image_ref', facts.image_ref)
            journal = remembered.pack(remembered.Remembered(
                None if image_ref is None else str(image_ref),
                verdict.request_id, facts.rebuild_request, metadata,
                {name: value for name, value in columns.items()
                 if name in remembered.COLUMNS}, written=True))
        halfway = _changed(before, {**metadata, **journal}, columns)
        if not (_change(context, before, halfway)
                and _change_request(context, halfway, facts, verdict)):
            return False
        before = halfway
    return _change(context, before, _changed(before, metadata, columns))


def _changed(
    instance: database.Instance, metadata: remembered.Metadata,
    columns: remembered.Columns,
) -> database.Instance:
    return dataclasses.replace(
        instance, metadata=dict(metadata),
        columns={**instance.columns, **columns})


def _change(
    context: Any, before: database.Instance, after: database.Instance
) -> bool:
    return after == before or database.change(
        context, before, after.metadata, after.columns)


def _change_request(
    context: Any, instance: database.Instance, facts: known.Facts,
    verdict: judgement.Verdict,
) -> bool:
    image = servers.image_meta(remembered.image_metadata(instance.metadata))
    if verdict.request_id is not None:
        image.id = verdict.request_id

    def change() -> None:
        # Not with the context of the cell, which is in a transaction.
        request_spec.change_image(
            nova_context.get_admin_context(), facts.uuid, facts.requested,
            image)

    return database.unchanged(context, instance, change)


def _restored(
    context: Any, facts: known.Facts, verdict: judgement.Verdict
) -> tuple[dict[str, str | None] | None, remembered.Columns]:
    restore = verdict.restore
    if restore is None:
        return None, {}
    if isinstance(restore, known.Image):
        return (servers.recorded(context, facts.uuid, restore.record),
                servers.columns(restore.record))
    return restore.image_metadata, restore.columns
