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

"""A Prometheus on loopback."""

from __future__ import annotations

from collections.abc import Mapping
import json
import os
from typing import Any

import portpicker
import requests

from allinone import service


class Prometheus(service.Service):
    """Runs a Prometheus.

    :param directory: holds its configuration, its data, its log and its pid
    :param config: what prometheus.yml is to hold
    """

    def __init__(self, directory: str | os.PathLike[str],
                 config: Mapping[str, Any]) -> None:
        super().__init__('prometheus', directory)
        self.config = config
        self.port = portpicker.pick_unused_port()
        self.ports = (self.port,)
        self.url = f'http://127.0.0.1:{self.port}'
        self._file = self.directory / 'prometheus.yml'

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        # JSON is YAML, too.
        self._file.write_text(json.dumps(self.config))
        super().start()

    def command(self) -> list[str]:
        return ['prometheus', f'--config.file={self._file}',
                f'--storage.tsdb.path={self.directory}/data',
                f'--web.listen-address=127.0.0.1:{self.port}']

    def ready(self) -> bool:
        try:
            return requests.get(self.url + '/-/ready', timeout=2).ok
        except requests.RequestException:
            return False

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return what *expression* is now.

        :raises requests.HTTPError: when Prometheus does not understand it
        """
        answer = requests.get(
            self.url + '/api/v1/query', {'query': expression}, timeout=30)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()['data']['result']
        return found
