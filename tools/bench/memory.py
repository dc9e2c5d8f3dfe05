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

"""Uploads images at once and prints the process's peak of memory, in bytes.

    python -m tools.bench.memory stock|progress CONFIGURATION SIZE NUMBER

SIZE is in bytes, of each. tools.bench.upload runs it for each driver.
"""

from __future__ import annotations

from concurrent import futures
import logging
import pathlib
import re
import sys
import uuid

from glance_store._drivers import rbd as stock

from glance_progress.driver import store
from tools.bench import source


def main(driver: str, conf_file: str, size: str, number: str) -> None:
    logging.disable(logging.ERROR)
    kind = {'stock': stock.Store, 'progress': store.Store}[driver]
    conf = source.load(pathlib.Path(conf_file))
    ids = [str(uuid.uuid4()) for _ in range(int(number))]

    def add(image_id: str) -> None:
        uploading = kind(conf)
        uploading.configure(re_raise_bsc=True)
        uploading.add(image_id, source.Source(int(size)), int(size), 'sha512')

    with futures.ThreadPoolExecutor(len(ids)) as executor:
        list(executor.map(add, ids))
    status = pathlib.Path('/proc/self/status').read_text()
    found = re.search(r'VmHWM:\s+(\d+) kB', status)
    print(int(found[1]) * 1024 if found else 0)
    removing = kind(conf)
    removing.configure(re_raise_bsc=True)
    for image_id in ids:
        removing._delete_image(source.POOL, image_id, 'snap')


if __name__ == '__main__':
    main(*sys.argv[1:])
