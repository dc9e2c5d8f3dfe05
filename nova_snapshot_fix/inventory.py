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


"""Goes through the servers of all cells, and heals them where told so."""

from __future__ import annotations

from collections.abc import Iterator
import dataclasses
import enum
from typing import Any

from nova import context as nova_context
from nova import exception
from nova import objects
from oslo_db import exception as db_exception
from oslo_log import log as logging

from nova_snapshot_fix import database
from nova_snapshot_fix import facts as servers
from nova_snapshot_fix import heal
from nova_snapshot_fix import images
from nova_snapshot_fix import judgement
from nova_snapshot_fix import request_spec

LOG = logging.getLogger(__name__)


class State(enum.Enum):
    """What there is to say of a server that is not simply consistent."""

    INCONSISTENT = 'inconsistent'
    HEALED = 'healed'
    #: What is known of it is written; the rest is not known.
    PARTIAL = 'partial'
    #: It has a task_state, or something began while it was read or written.
    BUSY = 'busy'
    #: Neither right nor wrong can be told; nothing was changed.
    UNJUDGED = 'unjudged'
    FAILED = 'failed'
    #: Consistent; what a rebuild remembered is not cleared away yet.
    REMEMBERED = 'remembered'


_STATES = {
    judgement.State.INCONSISTENT: State.INCONSISTENT,
    judgement.State.REMEMBERED: State.REMEMBERED,
    judgement.State.PARTIAL: State.PARTIAL,
    judgement.State.UNJUDGED: State.UNJUDGED,
}


@dataclasses.dataclass(frozen=True)
class Finding:
    """A server that is inconsistent, or was, or cannot be judged.

    ``before`` and ``after`` are its image_base_image_ref, ``source`` is where
    the other image metadata are restored from, if they are. ``again`` says
    that another run may tell more.
    """

    instance: str
    project_id: str | None
    cell: str
    image_ref: str | None
    state: State
    reason: str
    before: str | None
    after: str | None
    source: str | None = None
    again: bool = False


@dataclasses.dataclass
class Batch:
    """Some servers of a cell: how many, and those worth a word.

    ``handled`` are those that are inconsistent or were. ``error`` says why
    the rest of the cell could not be looked at, None if it could.
    """

    cell: str
    instances: int = 0
    handled: int = 0
    findings: list[Finding] = dataclasses.field(default_factory=list)
    error: str | None = None


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which servers to look at; empty for all of them."""

    cell: str | None = None
    project_id: str | None = None
    instance: str | None = None


class UnknownCell(Exception):
    """There is no such cell."""


class UnknownInstance(Exception):
    """There is no such server, or none that was selected.

    It may be in no cell yet, deleted, or of another project.
    """


def walk(
    context: Any, selection: Selection, ask: heal.Ask,
    base_of_snapshot: str = judgement.IMAGE, write: bool = False,
    limit: int | None = None, batch_size: int = 1000,
) -> Iterator[Batch]:
    """Yield what there is to say of all selected servers, in batches.

    A cell whose database fails is the last batch of it; the others follow.

    :param context: an admin's, of no cell
    :param write: heal what is inconsistent
    :param limit: stop after so many that are inconsistent, or were
    :raises UnknownCell: if the selected one is not there
    :raises UnknownInstance: if the selected one is not there
    :raises nova_snapshot_fix.images.NoCredentials: if *ask* does
    """
    for cell in _cells(context, selection):
        name = cell.name or cell.uuid
        try:
            with nova_context.target_cell(context, cell) as cell_context:
                walker = _Walker(
                    cell_context, name, ask, base_of_snapshot, write)
                for batch in walker.walk(selection, limit, batch_size):
                    yield batch
                    if limit is not None:
                        limit -= batch.handled
                        if limit <= 0:
                            return
        except (db_exception.DBError,
                db_exception.CantStartEngineError) as exc:
            LOG.error('Could not go on with cell %s: %s', name, exc)
            # The rest is SQL.
            yield Batch(name, error=str(exc).partition('\n')[0])


def _cells(context: Any, selection: Selection) -> list[Any]:
    if selection.instance:
        try:
            mapping = objects.InstanceMapping.get_by_instance_uuid(
                context, selection.instance)
        except exception.InstanceMappingNotFound:
            mapping = None
        if mapping is None or mapping.cell_mapping is None:
            raise UnknownInstance(selection.instance)
        return [mapping.cell_mapping]
    cells = list(objects.CellMappingList.get_all(context))
    if selection.cell:
        cells = [cell for cell in cells
                 if selection.cell in (cell.uuid, cell.name)]
        if not cells:
            raise UnknownCell(selection.cell)
    return cells


class _Walker:
    """Looks at the servers of one cell."""

    def __init__(
        self, context: Any, cell: str, ask: heal.Ask, base_of_snapshot: str,
        write: bool,
    ) -> None:
        self._context = context
        self._cell = cell
        self._ask = ask
        self._base_of_snapshot = base_of_snapshot
        self._write = write

    def walk(
        self, selection: Selection, limit: int | None, batch_size: int
    ) -> Iterator[Batch]:
        marker = 0
        while True:
            rows = database.rows(
                self._context, marker, batch_size, selection.project_id,
                selection.instance and [selection.instance])
            if selection.instance and not rows and not marker:
                raise UnknownInstance(selection.instance)
            if not rows:
                return
            batch = self._batch(rows, limit)
            yield batch
            if limit is not None:
                limit -= batch.handled
            marker = rows[-1].id

    def _batch(
        self, rows: list[database.Row], limit: int | None
    ) -> Batch:
        batch = Batch(self._cell)
        requests = request_spec.images(
            self._context, [row.uuid for row in rows])
        worth_a_look = {
            row.uuid for row in rows if row.remembered is not None
            or not judgement.agree(
                row.image_ref, row.key,
                request_spec.image_id(requests.get(row.uuid)))}
        looked_at = (servers.load(self._context, worth_a_look)
                     if worth_a_look else {})
        for row in rows:
            batch.instances += 1
            if row.uuid not in looked_at:
                continue
            finding = self._finding(row, looked_at[row.uuid])
            if finding is not None:
                batch.findings.append(finding)
                batch.handled += finding.state in (
                    State.INCONSISTENT, State.HEALED)
                if batch.handled == limit:
                    break
        return batch

    def _finding(
        self, row: database.Row, server: servers.Server
    ) -> Finding | None:
        try:
            return self._judged(server)
        except exception.InstanceNotFound:
            return None  # deleted meanwhile
        except (images.NoCredentials, db_exception.DBConnectionError):
            raise  # no other server would fare better
        except Exception as exc:
            LOG.exception('Could not %s server %s',
                          'heal' if self._write else 'judge', row.uuid)
            return Finding(
                row.uuid, server.instance.project_id, self._cell,
                row.image_ref, State.FAILED, str(exc), row.key, row.key,
                again=True)

    def _judged(self, server: servers.Server) -> Finding | None:
        facts, verdict = heal.judge(
            self._context, server, self._ask, self._base_of_snapshot)
        before = facts.key
        state = _STATES.get(verdict.state)
        busy = facts.busy
        if self._write and heal.wants(facts, verdict) and not busy:
            healed = heal.heal(self._context, facts.uuid, self._ask,
                               self._base_of_snapshot)
            facts, verdict = healed.facts, healed.verdict
            busy = not healed.written
            if not healed.changed:
                state = _STATES.get(verdict.state)  # another one was quicker
            elif state in (State.INCONSISTENT, State.REMEMBERED):
                state = State.HEALED
        if state is None or (busy and state is State.REMEMBERED):
            return None
        if busy:
            state = State.BUSY
        return Finding(
            facts.uuid, facts.project_id, self._cell, facts.image_ref, state,
            verdict.row.reason, before, verdict.key,
            verdict.source and verdict.source.value,
            again=state in (State.PARTIAL, State.BUSY)
            or verdict.row in judgement.TRY_AGAIN)
