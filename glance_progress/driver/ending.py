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

"""Has the last word spoken before an orderly end of the process.

What runs at the end differs, and handlers of signals belong to the server:

- uwsgi runs no Python at the end of a worker that handles requests, neither
  ``atexit`` nor ``uwsgi.atexit``. But it ends by exit(), and so the C
  library's own handlers run. Reloads let requests come to their end first, and
  kill after ``worker-reload-mercy``, of which nothing can be told.
- The workers of Glance's own server, under eventlet, leave SIGTERM to its
  default action, which ends them at once.
- Elsewhere ``atexit`` is enough.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
import ctypes
import os
import signal
import sys
import threading
import time
from typing import Any

from oslo_log import log as logging

from glance_progress import process
from glance_progress.records import publisher
from glance_progress import warning

LOG = logging.getLogger(__name__)

#: Seconds for the last word. memcached takes a few milliseconds.
_TIME = 0.3

#: Seconds after which a worker still handles a request, if it will be cut off.
#: One whose answer has just gone out is not idle yet.
_SETTLED = 0.1

_fault = warning.Hourly(LOG)


def _start(tell: Callable[[], None]) -> bool:
    try:
        if process.is_green():
            _at_signal(tell)
        else:
            atexit.register(tell)  # comes before the publisher's own
            if 'uwsgi' in sys.modules and process.runs_threads():
                _at_exit(tell)
    except Exception as exc:
        _fault.say('An end of the service will cut off uploads without a '
                   'word.', exc=exc)
    return True


_watch = process.PerProcess(_start)


def watch(tell: Callable[[], None]) -> None:
    """Have *tell* called before the process ends, and its records sent.

    Only the first call in a process counts.
    """
    _watch.get(tell)


def _at_exit(tell: Callable[[], None]) -> None:
    """Have a thread call *tell* when a uwsgi worker ends that is at work.

    A worker with nothing but imports is left to Glance, which waits for them.
    uwsgi calls exit() within its handler of a signal, where no Python may run;
    to close a pipe and to sleep is safe there (signal-safety(7)).
    """
    libc = ctypes.CDLL(None)
    register = getattr(libc, '__cxa_atexit')
    source, target = os.pipe()

    def wait() -> None:
        os.read(source, 1)
        time.sleep(_SETTLED)
        if _handles_requests(sys.modules['uwsgi']):
            _speak(tell)

    threading.Thread(
        target=wait, name='glance-progress-ending', daemon=True).start()
    # The last one registered is the first one called.
    register(
        libc.usleep, ctypes.c_void_p(int((_SETTLED + _TIME) * 1e6)), None)
    register(libc.close, ctypes.c_void_p(target), None)


def _handles_requests(uwsgi: Any) -> bool:
    return uwsgi.workers()[uwsgi.worker_id() - 1]['status'] != b'idle'


def _at_signal(tell: Callable[[], None]) -> None:
    """Have *tell* called at SIGTERM, if nobody has a use for that."""
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return

    def end() -> None:
        try:
            _speak(tell)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def handle(_signum: int, _frame: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # It may have come in the midst of eventlet's own hub, which must not
        # wait.
        sys.modules['eventlet'].spawn_n(end)

    signal.signal(signal.SIGTERM, handle)


def _speak(tell: Callable[[], None]) -> None:
    try:
        tell()
        publisher.flush(_TIME)
    except Exception as exc:
        _fault.say('The end of the service could not be told.', exc=exc)
