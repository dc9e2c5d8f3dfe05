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

"""Runs tests in a process whose threads and sockets are eventlet's.

    python -m tests.functional.under_eventlet DIRECTORY TEST...

DIRECTORY is that of a Ceph that runs, with the pools of the tests.
"""

from __future__ import annotations

import eventlet

eventlet.monkey_patch()  # before anything else, as Glance's script does

import functools  # noqa: E402
import sys  # noqa: E402

from testtools import run  # noqa: E402

import allinone.daemons.ceph  # noqa: E402
from glance_progress import process  # noqa: E402
from tests.functional import services  # noqa: E402


def main(ceph: str, *tests: str) -> None:
    assert process.is_green()
    services.ceph = functools.partial(allinone.daemons.ceph.Ceph, ceph)
    run.main([sys.argv[0], *tests], sys.stdout)


if __name__ == '__main__':
    main(*sys.argv[1:])
