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

"""Horizon, in an environment of its own."""

from __future__ import annotations

import pathlib

from allinone import command
from allinone.daemons import wsgi
from allinone import files
from allinone.openstack import layout

_SETTINGS = 'openstack_dashboard.settings'

_CACHE = 'django.core.cache.backends.memcached.PyMemcacheCache'


class Horizon:
    """Has Horizon's settings, static files and server.

    :param venv: the virtual environment that it runs in
    """

    def __init__(self, site: layout.Site, venv: pathlib.Path) -> None:
        self.site = site
        self.venv = venv
        self.url = site.url('horizon')
        #: Horizon imports it as `local`, which need not be in its package.
        self.local = site.etc('horizon') / 'local'
        self.settings = self.local / 'local_settings.py'
        self.static = site.state('horizon') / 'static'
        self.server = wsgi.Api(
            'horizon', site.directory, venv, 'openstack_dashboard.wsgi',
            site.ports['horizon'], self._environment(),
            ['--static-map', f'/static={self.static}'])

    def _environment(self) -> dict[str, str]:
        return {**self.site.environment(), 'DJANGO_SETTINGS_MODULE': _SETTINGS,
                'PYTHONPATH': str(self.local.parent)}

    def make_files(self) -> None:
        """Write the settings, and collect and compress what browsers get."""
        self.local.mkdir(parents=True, exist_ok=True)
        (self.local / '__init__.py').touch()
        files.write_private(self.settings, ''.join(
            f'{name} = {value!r}\n' for name, value in self._options()))
        for task in (('collectstatic', '--no-input'), ('compress', '--force')):
            command.run(
                'horizon', [str(self.venv / 'bin' / 'python3'), '-W', 'ignore',
                            '-m', 'django', *task],
                env=self._environment(), timeout=300)

    def _options(self) -> list[tuple[str, object]]:
        return [
            ('ALLOWED_HOSTS', ['127.0.0.1']),
            ('SECRET_KEY', self.site.dashboard_key),
            ('OPENSTACK_KEYSTONE_URL', self.site.auth_url),
            ('STATIC_ROOT', str(self.static)),
            ('COMPRESS_OFFLINE', True),
            ('CACHES', {'default': {
                'BACKEND': _CACHE,
                'LOCATION': self.site.memcached_address}}),
            ('SESSION_ENGINE', 'django.contrib.sessions.backends.cache'),
        ]
