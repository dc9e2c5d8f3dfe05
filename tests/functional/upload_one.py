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

"""Uploads an image with rbd_progress, for tests that need another process.

Prints the seconds that the first record held up the first byte, and those of
the upload as a whole.
"""

from __future__ import annotations

import sys
import time

import glance_store
from oslo_config import cfg

from glance_progress.driver import store
from tests.functional import base
from tests.functional.test_faults import CHUNKS


def main(conf_file: str, image_id: str) -> None:
    conf = cfg.ConfigOpts()
    glance_store.register_opts(conf)
    conf(args=[], default_config_files=[conf_file])
    driver = store.Store(conf)
    driver.configure(re_raise_bsc=True)
    content = base.data(CHUNKS * base.MiB)
    reads: list[float] = []
    started = time.monotonic()
    driver.add(
        image_id,
        base.Body(content, lambda _: reads.append(time.monotonic())),
        len(content), 'sha512')
    print(reads[0] - started, time.monotonic() - started)


if __name__ == '__main__':
    main(*sys.argv[1:])
