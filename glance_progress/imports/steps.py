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
"""The steps of an import: which of Glance's tasks does what, and tells what.

By the names of their classes, since modules and arguments have changed from
release to release, and the names have not.
"""

from __future__ import annotations

from collections.abc import Callable
import functools
from typing import Any
import weakref

from oslo_log import log as logging

from glance_progress.driver import staging
from glance_progress.driver import upload
from glance_progress.imports import files
from glance_progress.imports import reasons
from glance_progress.imports import told
from glance_progress.records import wire
from glance_progress import warning

LOG = logging.getLogger(__name__)

_fault = warning.Hourly(LOG)

Execute = Callable[..., Any]
Reason = Callable[[BaseException], 'str | None']


def mark(task: Any, telling: told.Import) -> None:
    """Have *task* tell what it does, if it is one that we know."""
    kind = type(task)
    step = _STEPS.get(kind.__name__)
    if step is None or not kind.__module__.startswith('glance.'):
        return
    # Of a store's, the part that raises what the rest may pass over
    name = '_execute' if step is _store else 'execute'
    # The task must not hold itself: what it holds would stay until the
    # garbage is collected.
    this, execute = weakref.ref(task), getattr(kind, name)

    def telling_execute(*args: Any, **kwargs: Any) -> Any:
        own = this()
        return step(telling, own, functools.partial(execute, own), *args,
                    **kwargs)

    setattr(task, name, telling_execute)


def _ask(
    telling: told.Import, task: Any, execute: Execute, **kwargs: Any
) -> Any:
    """Execute a task that reads what the source says of the data."""
    telling.asking()
    return _explained(telling, execute, kwargs, reasons.of_source)


def _download(
    telling: told.Import, task: Any, execute: Execute, **kwargs: Any
) -> Any:
    """Execute a task that takes data from a source to the staging area."""
    telling.asking()
    # glance-download has learnt it from the other Glance.
    with staging.from_source(
            kwargs.get('image_size') or 0, telling.context) as source:

        def reason(exc: BaseException) -> str | None:
            if source.begun:
                telling.forget()  # what comes is after it
            return reasons.of_download(
                exc, source.begun, getattr(task, '_path', None) is not None)

        result = _explained(telling, execute, kwargs, reason)
    if source.begun:
        telling.forget()
    else:
        _staged(telling, result)  # the staging area does not tell by itself
    return result


def _copy(
    telling: told.Import, task: Any, execute: Execute, **kwargs: Any
) -> Any:
    """Execute a task that takes data from a store to the staging area."""
    with staging.from_source(0, telling.context) as source:
        return _explained(
            telling, execute, kwargs,
            lambda exc: None if source.begun else reasons.UNCOPIED)


def _decompress(
    telling: told.Import, task: Any, execute: Execute, **kwargs: Any
) -> Any:
    path = files.local(kwargs.get('file_path') or '')
    look = files.decompressing(path, path + '.uc')
    return _watched(telling, wire.DECOMPRESSING, look, execute, kwargs,
                    reasons.of_decompression)


def _convert(
    telling: told.Import, task: Any, execute: Execute, **kwargs: Any
) -> Any:
    look = files.Conversion(
        files.local(kwargs.get('file_path') or ''),
        lambda: getattr(task, 'dest_path', ''))
    return _watched(telling, wire.CONVERTING, look, execute, kwargs,
                    reasons.of_conversion)


def _verify(
    telling: told.Import, task: Any, execute: Execute, **kwargs: Any
) -> Any:
    path = str(kwargs.get('file_path') or getattr(task, 'file_uri', ''))
    look = files.verifying(files.local(path))
    return _watched(telling, wire.VERIFYING, look, execute, kwargs,
                    reasons.of_verification, result=path)


def _store(
    telling: told.Import, task: Any, execute: Execute, action: Any,
    *args: Any,
) -> Any:
    """Execute a task that takes data from the staging area to a store.

    :param action: what the task does to the image
    """
    return execute(_Action(telling, action), *args)


class _Action:
    """Does what Glance's *action* does, and tells why data are refused."""

    def __init__(self, telling: told.Import, action: Any) -> None:
        self._telling = telling
        self._action = action

    def __getattr__(self, name: str) -> Any:
        return getattr(self._action, name)

    def set_image_data(self, *args: Any, **kwargs: Any) -> Any:
        with upload.of_request() as uploads:

            def reason(exc: BaseException) -> str | None:
                why = reasons.of_import(exc)
                for each in uploads if why is not None else ():
                    each.refused(str(why))
                return None if uploads else why

            return _explained(
                self._telling,
                functools.partial(self._action.set_image_data, *args),
                kwargs, reason)


def _stores(
    telling: told.Import, task: Any, execute: Execute, **kwargs: Any
) -> Any:
    """Execute a task that takes data to several stores at once."""
    return _explained(telling, execute, kwargs, reasons.of_import)


_STEPS: dict[str, Callable[..., Any]] = {
    '_ImportMetadata': _ask,
    '_WebDownload': _download,
    '_DownloadGlanceImage': _download,
    '_CopyImage': _copy,
    '_DecompressImage': _decompress,
    '_ConvertImage': _convert,
    '_VerifyStagedImageSignatureTask': _verify,
    '_ImportToStore': _store,
    '_ParallelStoreImportTask': _stores,
}


def _watched(
    telling: told.Import, phase: str, look: Callable[[], files.Look | None],
    execute: Execute, kwargs: dict[str, Any], reason: Reason,
    result: str | None = None,
) -> Any:
    """Execute a task while its files are looked at.

    :param result: what the task leaves staged; what it returns if not given
    """
    with telling.watched(phase, look) as seen:
        returned = _explained(telling, execute, kwargs, reason)
    if seen():
        _staged(telling, result or returned)
    return returned


def _explained(
    telling: told.Import, execute: Execute, kwargs: dict[str, Any],
    reason: Reason,
) -> Any:
    """Execute a task, and tell why it has failed, where *reason* knows."""
    try:
        return execute(**kwargs)
    except BaseException as exc:
        try:
            why = reason(exc)
            if why is not None:
                telling.failed(why)
        except Exception as fault:
            _fault.say('An import does not tell why it failed.', exc=fault)
        raise


def _staged(telling: told.Import, uri: Any) -> None:
    """Tell that what a task has left at *uri* is staged."""
    size = files.size(files.local(str(uri)))
    if size is not None:
        telling.finished(size)
