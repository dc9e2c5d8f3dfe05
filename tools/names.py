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

"""Names on a command line, as many as one likes."""

from __future__ import annotations

import argparse
from collections.abc import Collection


def add(parser: argparse.ArgumentParser, what: str,
        known: Collection[str]) -> None:
    """Have *parser* take those names that are *known*, and no others.

    They come as a list, in an attribute that is the plural of *what*.

    :param what: what each of them names, such as ``case``
    """
    def check(name: str) -> str:
        if name not in known:
            raise argparse.ArgumentTypeError('no such %s: %s' % (what, name))
        return name

    # With choices, Python 3.11 wants at least one.
    parser.add_argument(what + 's', nargs='*', metavar=what.upper(),
                        type=check, help='one or more of: ' + ', '.join(known))
