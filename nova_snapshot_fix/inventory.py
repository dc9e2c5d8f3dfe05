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


"""Goes through the instances of all cells, and repairs where told so."""

from __future__ import annotations

from collections.abc import Iterator
import dataclasses
from typing import Any

from nova import context as nova_context
from nova import exception
from nova import objects
from oslo_log import log as logging

from nova_snapshot_fix import base_image_ref as rule
from nova_snapshot_fix import database
from nova_snapshot_fix import finding as findings
from nova_snapshot_fix import images
from nova_snapshot_fix import plan
from nova_snapshot_fix import repair
from nova_snapshot_fix import request_spec

LOG = logging.getLogger(__name__)

_TO_REPAIR = (findings.State.OFF, findings.State.LEFTOVER)
_HANDLED = (findings.State.OFF, findings.State.REPAIRED)


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which instances to look at; empty for all of them."""

    cell: str | None = None
    project_id: str | None = None
    instance: str | None = None


class UnknownCell(Exception):
    """There is no such cell."""


class UnknownInstance(Exception):
    """There is no such instance, or none that was selected.

    It may be in no cell yet, deleted, or of another project.
    """


def walk(
    context: Any,
    selection: Selection,
    look_up: plan.LookUp,
    base_of_snapshot: str = rule.IMAGE,
    write: bool = False,
    limit: int | None = None,
    batch_size: int = 1000,
) -> Iterator[findings.Batch]:
    """Yield what there is to say of all selected instances, in batches.

    :param context: an admin's, of no cell
    :param look_up: returns an image
    :param write: repair what is off
    :param limit: stop after so many that are off, or have been repaired
    :raises UnknownCell: if the selected one is not there
    :raises UnknownInstance: if the selected one is not there
    :raises nova_snapshot_fix.images.NoCredentials: if *look_up* does
    """
    for cell in _cells(context, selection):
        with nova_context.target_cell(context, cell) as cell_context:
            walker = _Walker(context, cell_context, cell.name or cell.uuid,
                             look_up, base_of_snapshot, write)
            marker = 0
            while True:
                rows = database.rows(
                    cell_context, marker, batch_size, selection.project_id,
                    selection.instance and [selection.instance])
                if selection.instance and not rows and not marker:
                    raise UnknownInstance(selection.instance)
                batch = walker.batch(rows, limit)
                if rows:
                    yield batch
                if limit is not None:
                    limit -= batch.handled
                    if limit <= 0:
                        return
                if len(rows) < batch_size:
                    break
                marker = rows[-1].id


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
    """Looks at the instances of one cell."""

    def __init__(
        self, context: Any, cell_context: Any, cell: str,
        look_up: plan.LookUp, base_of_snapshot: str, write: bool,
    ) -> None:
        self._context = context
        self._cell_context = cell_context
        self._cell = cell
        self._look_up = look_up
        self._base_of_snapshot = base_of_snapshot
        self._write = write

    def batch(
        self, rows: list[database.Row], limit: int | None
    ) -> findings.Batch:
        batch = findings.Batch(self._cell)
        requested = request_spec.image_ids(
            self._context, [row.uuid for row in rows if row.image_ref])
        for row in rows:
            batch.instances += 1
            finding = self._judge(row, requested.get(row.uuid))
            if finding is None:
                continue
            if self._write and finding.state in _TO_REPAIR:
                finding = self._repair(row, finding)
            batch.findings.append(finding)
            batch.handled += finding.state in _HANDLED
            if batch.handled == limit:
                break
        return batch

    def _judge(
        self, row: database.Row, requested: str | None
    ) -> findings.Finding | None:
        """Return what to say of an instance, without an object for it."""
        answer = rule.decide(
            row.image_ref, row.base_image_ref, requested=requested,
            base_of_snapshot=self._base_of_snapshot)
        if answer.reason is rule.Reason.ASK_GLANCE and row.image_ref:
            answer = rule.decide(
                row.image_ref, row.base_image_ref,
                plan.origin(self._look_up(row.image_ref)), requested,
                self._base_of_snapshot)
        reason = answer.reason.value
        busy = row.task_state is not None
        state = findings.State.BUSY if busy else findings.State.OFF
        if answer.wrong:
            return self._finding(row, state, reason, answer.value)
        if row.remembered is not None and not busy:
            return self._finding(row, findings.State.LEFTOVER, reason)
        if answer.right:
            return None
        return self._finding(row, findings.State.UNJUDGED, reason)

    def _repair(
        self, row: database.Row, finding: findings.Finding
    ) -> findings.Finding:
        try:
            instance = objects.Instance.get_by_uuid(
                self._cell_context, row.uuid,
                expected_attrs=['system_metadata', 'flavor'])
            outcome = repair.repair(
                self._cell_context, instance, self._look_up,
                self._base_of_snapshot)
        except exception.InstanceNotFound:
            return dataclasses.replace(
                finding, state=findings.State.BUSY,
                reason='it has been deleted')
        except images.NoCredentials:
            raise  # no other instance would fare better
        except Exception as exc:
            LOG.exception('Could not repair instance %s', row.uuid)
            return dataclasses.replace(
                finding, state=findings.State.FAILED, reason=str(exc))
        if outcome.plan is None:
            return dataclasses.replace(finding, state=findings.State.BUSY)
        if outcome.status is repair.Status.UNJUDGED:
            finding = dataclasses.replace(
                finding, state=findings.State.UNJUDGED,
                reason=outcome.plan.answer.reason.value)
        else:
            finding = dataclasses.replace(
                finding, state=findings.State.REPAIRED)
        return dataclasses.replace(
            finding, after=outcome.plan.metadata.get(rule.KEY),
            source=outcome.plan.source and outcome.plan.source.value)

    def _finding(
        self, row: database.Row, state: findings.State, reason: str,
        after: str | None = None,
    ) -> findings.Finding:
        return findings.Finding(
            row.uuid, row.project_id, self._cell, row.image_ref, state,
            reason, row.base_image_ref,
            row.base_image_ref if after is None else after)
