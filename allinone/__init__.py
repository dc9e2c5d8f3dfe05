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

"""One-machine services for the demo, the tests and the benchmark.

Everything listens on 127.0.0.1, runs without systemd and keeps all of its
files under one directory. None of it is meant to hold data that matters.
"""

import os
import pathlib


def home() -> pathlib.Path:
    """Return the directory of what is kept between runs.

    It is $GLANCE_PROGRESS_HOME, as in tools/lib.sh.
    """
    named = os.environ.get('GLANCE_PROGRESS_HOME')
    if named:
        return pathlib.Path(named).absolute()
    cache = os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache'
    return pathlib.Path(cache) / 'glance-progress'
