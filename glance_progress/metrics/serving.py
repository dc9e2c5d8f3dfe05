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

"""Puts an exporter together, and has it run to its end."""

from __future__ import annotations

import threading

from oslo_log import log as logging
import prometheus_client

from glance_progress.metrics import account
from glance_progress.metrics import collector
from glance_progress.metrics import server
from glance_progress.metrics import textfile

LOG = logging.getLogger(__name__)


class Exporter:
    """Has metrics of one Image API.

    :param cloud: name in ``clouds.yaml`` of the account to ask with
    :param region: name of the region to ask in
    :param interval: seconds between two questions to the Image API
    :param per_image: of how many images there are metrics of their own
    :raises account.Unusable: when it is not said who asks, or where
    """

    def __init__(
        self, cloud: str | None, region: str | None, interval: float,
        per_image: int,
    ) -> None:
        self._interval = interval
        self._api = account.image_api(cloud, region)
        self._metrics = collector.Collector(self._api, interval, per_image)
        self._registry = prometheus_client.CollectorRegistry()
        self._registry.register(self._metrics)

    def serve(
        self, ended: threading.Event, address: tuple[str, int],
        web_config_file: str | None,
    ) -> None:
        """Answer scrapes until *ended* is set.

        :param address: to listen on, and port
        :param web_config_file: path of a file in the format of Prometheus'
            exporters; None for HTTP, to whoever comes
        :raises account.Unusable: when Keystone refuses the account
        :raises server.Unusable: when nobody can listen there
        :raises web_config.Invalid: when the file is missing or wrong
        """
        # Not for a file: node_exporter has its own of these names beside it.
        prometheus_client.ProcessCollector(registry=self._registry)
        with server.listen(
                address, self._registry, web_config_file) as listening:
            account.check(self._api)
            self._metrics.start()
            threading.Thread(
                target=listening.serve_forever, daemon=True).start()
            LOG.info('Listening on %s, port %d.', *address)
            ended.wait()
            listening.shutdown()

    def write(self, ended: threading.Event, path: str) -> None:
        """Write a file for node_exporter until *ended* is set.

        :raises account.Unusable: when Keystone refuses the account
        :raises textfile.Unusable: when it cannot be written
        """
        account.check(self._api)
        textfile.write(path, self._registry)
        self._metrics.start()
        textfile.write_until(ended, path, self._registry, self._interval)
