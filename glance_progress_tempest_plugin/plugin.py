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
"""What makes Tempest find the tests, the options and the clients."""

from __future__ import annotations

from collections.abc import Sequence
import pathlib
from typing import Any

from oslo_config import cfg
from tempest import config
from tempest.test_discover import plugins

from glance_progress_tempest_plugin import config as plugin_config


class GlanceProgressTempestPlugin(plugins.TempestPlugin):

    def load_tests(self) -> tuple[str, str]:
        package = pathlib.Path(__file__).resolve().parent
        return str(package / 'tests'), str(package.parent)

    def register_opts(self, conf: cfg.ConfigOpts) -> None:
        for group, options in plugin_config.OPTIONS:
            config.register_opt_group(conf, group, options)

    def get_opt_lists(self) -> list[tuple[str, Sequence[cfg.Opt]]]:
        return [(group.name, options)
                for group, options in plugin_config.OPTIONS]

    def get_service_clients(self) -> list[dict[str, Any]]:
        return [{
            'name': 'glance_progress',
            'service_version': 'glance_progress.v2',
            'module_path': 'glance_progress_tempest_plugin.services',
            'client_names': ['ImageDataClient', 'ProgressClient'],
            **config.service_client_config('image'),
        }]
