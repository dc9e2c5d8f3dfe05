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
"""Finds the steps of Glance's imports, and has each tell what it does.

An import is a flow of taskflow, which Glance's executor makes when its worker
begins. Our controller of imports makes executors through the gateway given
here. They make the same flow, of the same tasks: what a task executes is
called through a function of :mod:`glance_progress.imports.steps`. Nothing of
Glance is replaced but in these objects, which live for one import; tasks that
are unlike those we know stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import functools
from typing import Any
import weakref

from oslo_config import cfg
from oslo_log import log as logging

from glance_progress.imports import reasons
from glance_progress.imports import steps
from glance_progress.imports import told
from glance_progress import warning

LOG = logging.getLogger(__name__)

_fault = warning.Hourly(LOG)


class Gateway:
    """Does what Glance's *gateway* does; its imports tell their steps."""

    def __init__(self, gateway: Any) -> None:
        self._gateway = gateway

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def get_task_executor_factory(self, *args: Any, **kwargs: Any) -> Any:
        """Return Glance's factory, whose executors tell their steps."""
        return _Factory(
            self._gateway.get_task_executor_factory(*args, **kwargs))


class _Factory:

    def __init__(self, factory: Any) -> None:
        self._factory = factory

    def __getattr__(self, name: str) -> Any:
        return getattr(self._factory, name)

    def new_task_executor(self, *args: Any, **kwargs: Any) -> Any:
        executor = self._factory.new_task_executor(*args, **kwargs)
        try:
            # There is no other place where the flow can be had. It must not
            # hold itself, see steps.mark().
            executor._get_flow = functools.partial(
                _flow, type(executor)._get_flow, weakref.ref(executor))
        except Exception as exc:
            _fault.say('Imports do not tell their steps.', exc=exc)
        return executor


def _flow(
    make: Callable[[Any, Any], Any], executor: weakref.ref[Any], task: Any
) -> Any:
    """Return the flow that *make* makes for Glance's *task*, which tells.

    :param make: a method of the executor's
    """
    own = executor()
    context = getattr(own, 'context', None)
    try:
        flow = make(own, task)
    except Exception as exc:
        # Glance has put an error of its own in the place of this one.
        _refused(context, task, exc.__context__ or exc)
        raise
    try:
        telling = _telling(context, task)
        if telling is not None:
            for step in _tasks(flow):
                steps.mark(step, telling)
    except Exception as exc:
        _fault.say('An import does not tell its steps.', exc=exc)
    return flow


def _telling(context: Any, task: Any) -> told.Import | None:
    """Return what an import tells with; None where *task* is no import."""
    image_id = (task.task_input or {}).get('image_id')
    if task.type != 'api_image_import' or not image_id:
        return None
    return told.Import(cfg.CONF, image_id, context)


def _tasks(flow: Any) -> Iterator[Any]:
    """Return all tasks of *flow*, also those of flows in it."""
    for each in flow:
        if hasattr(each, 'execute'):
            yield each
        else:
            yield from _tasks(each)


def _refused(context: Any, task: Any, exc: BaseException) -> None:
    """Tell why Glance has not begun an import, if that is known."""
    try:
        reason = reasons.of_refusal(exc)
        telling = _telling(context, task)
        if reason is not None and telling is not None:
            telling.failed(reason)
    except Exception as fault:
        _fault.say('An import does not tell why it failed.', exc=fault)
