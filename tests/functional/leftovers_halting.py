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

"""Runs ``glance-progress leftovers``, which halts in the middle of a removal.

Says so, and goes on when it reads a line.
"""

from __future__ import annotations

from collections.abc import Callable
import functools
import sys
from typing import Any

from glance_progress.ceph import disposal
from glance_progress.ceph import holdings
from glance_progress.ceph import journal
from glance_progress.cmd import leftovers
from glance_progress.leftovers import resetting
from glance_progress.leftovers import search


#: For how long the lock of one that is killed stays.
LOCK_SECONDS = 5


def _halt() -> None:
    print('halted', flush=True)
    sys.stdin.readline()


def _before(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    _halt()
    return function(*args, **kwargs)


def _after(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    result = function(*args, **kwargs)
    _halt()
    return result


#: Where it halts: module, function, and on which side of it.
POINTS = {
    'noted': (disposal, 'note', _after),
    'unlocked': (resetting, '_drop_locations', _before),
    'reset': (resetting, 'reset', _after),
    # after the move, and before the look whether somebody has begun to use it
    'moved': (holdings, 'look_by_id', _before),
}


def main(point: str, *args: str) -> int:
    module, name, how = POINTS[point]
    setattr(module, name, functools.partial(how, getattr(module, name)))
    search.BETWEEN_LOOKS = 1
    journal.LOCK_SECONDS = LOCK_SECONDS
    return leftovers.main(list(args))


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
