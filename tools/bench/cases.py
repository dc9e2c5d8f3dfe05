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

"""The arguments of benchmarks that have several cases."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tools import names


def arguments(
    name: str, doc: str, cases: Sequence[str], runs: int
) -> argparse.Namespace:
    """Return what the command line says, which may end the process.

    :param doc: of the benchmark's module
    :param runs: the default of ``--runs``
    """
    parser = argparse.ArgumentParser(
        prog='tools/run-bench.sh ' + name, description=doc.splitlines()[0])
    parser.add_argument('--size', type=int, default=512, metavar='MIB')
    parser.add_argument('--runs', type=int, default=runs, metavar='N')
    names.add(parser, 'case', cases)
    return parser.parse_args()
