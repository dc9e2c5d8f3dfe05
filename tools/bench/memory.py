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

"""Uploads one image and prints the process's peak of memory, in bytes.

    python -m tools.bench.memory stock|progress CONFIGURATION SIZE

SIZE is in bytes. tools.bench.upload runs it for each driver.
"""

from __future__ import annotations

import logging
import pathlib
import re
import sys
import uuid

from glance_store._drivers import rbd as stock

from glance_progress.driver import store
from tools.bench import source


def main(driver: str, conf_file: str, size: str) -> None:
    logging.disable(logging.ERROR)
    uploading = {'stock': stock.Store, 'progress': store.Store}[driver](
        source.load(pathlib.Path(conf_file)))
    uploading.configure(re_raise_bsc=True)
    image_id = str(uuid.uuid4())
    data = source.Source(int(size))
    uploading.add(image_id, data, int(size), 'sha512')
    status = pathlib.Path('/proc/self/status').read_text()
    found = re.search(r'VmHWM:\s+(\d+) kB', status)
    print(int(found[1]) * 1024 if found else 0)
    uploading._delete_image(source.POOL, image_id, 'snap')


if __name__ == '__main__':
    main(*sys.argv[1:])
