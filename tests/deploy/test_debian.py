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

"""The packages for Debian, beside Debian's Glance and Nova."""

from __future__ import annotations

import functools
import os
import pathlib

import testtools

from allinone import command
from allinone.daemons import glance
from tests.deploy import roots
from tests.deploy import trees
from tests.functional import api_base
from tests.functional import base
from tests.functional import services
from tests.functional import test_one_line

MiB = base.MiB

NAMES = {'python3-glance-progress', 'python3-nova-snapshot-fix'}
PYTHON = '/usr/lib/python3/dist-packages/'

#: What has Nova's router made, as Nova's paste file would have it.
NOVA = '''
from nova import config, objects, rpc
from nova.conf import CONF
config.parse_args(['nova-api'], default_config_files=[])
objects.register_all()
rpc.init(CONF)
from nova_snapshot_fix import api
print(type(api.APIRouterV21.factory({})).__module__)
'''


@functools.cache
def build() -> tuple[roots.Root, pathlib.Path]:
    """Build the packages as an administrator would, and return where."""
    directory = services.directory() / 'deb'
    trees.copy(directory / 'tree')
    root = roots.Root('build', roots.base('services', *roots.SERVICES))
    root.apt_get('update')
    root.apt_get('build-dep', directory / 'tree')
    root.run('dpkg-buildpackage', '--build=binary', '--no-sign',
             cwd=str(directory / 'tree'))
    return root, directory


@functools.cache
def built() -> list[pathlib.Path]:
    return sorted(build()[1].glob('*.deb'))


@functools.cache
def installed() -> roots.Root:
    root = roots.Root('installed', roots.base('services', *roots.SERVICES))
    root.apt_get('install', *built())
    return root


class PackagesTest(testtools.TestCase):

    def test_lintian_has_no_error(self) -> None:
        root, directory = build()
        root.apt_get('install', 'lintian')
        changes, = directory.glob('*.changes')
        root.run('lintian', '--fail-on', 'error', changes)

    def test_have_all_files(self) -> None:
        """Also what is no module, which pbr finds with git alone."""
        found = {line.split()[-1] for package in built()
                 for line in build()[0].run(
                     'dpkg-deb', '--contents', package).splitlines()}
        self.assertLessEqual(
            {'.' + PYTHON + name for name in trees.modules()}, found)

    def test_touch_nothing_else(self) -> None:
        root = roots.Root('touched', roots.base('services', *roots.SERVICES))
        policy = root.upper / 'usr/sbin/policy-rc.d'
        policy.parent.mkdir(parents=True)
        # Who starts or stops a service would ask it.
        policy.write_text('#!/bin/sh\necho "$@" >>/asked\n')
        policy.chmod(0o755)
        before = root.packages()
        root.apt_get('install', *built())
        after = root.packages()
        self.assertEqual(NAMES, set(after) - set(before))
        self.assertEqual(before, {name: version for name, version in
                                  after.items() if name not in NAMES})
        ours = tuple(
            [PYTHON + name for name in (
                'glance_progress', 'nova_snapshot_fix')]
            + ['/usr/bin/' + name for name in (
                'glance-progress', 'nova-snapshot-fix')]
            + ['/usr/share/doc/' + name for name in NAMES]
            + ['/usr/share/glance-progress/'])
        self.assertEqual({'/usr/sbin/policy-rc.d'}, {
            path for path in root.changed() if not path.startswith(ours)})

        root.apt_get('purge', *NAMES)
        self.assertEqual(before, root.packages())
        self.assertEqual({'/usr/sbin/policy-rc.d'}, root.changed())

    def test_commands(self) -> None:
        version = installed().packages()['python3-glance-progress']
        for name in ('glance-progress', 'glance-progress-status',
                     'nova-snapshot-fix'):
            self.assertEqual(
                version.replace('~', '.'),
                installed().run(name, '--version').strip())

    def test_router_of_nova(self) -> None:
        self.assertEqual('nova_snapshot_fix.api', installed().run(
            'python3', '-W', 'ignore', '-c', NOVA).strip())


class RootGlanceApi(glance.DebianGlanceApi):
    """Runs the glance-api of a root."""

    def prepare(self) -> None:
        self.packaged_paste_ini = (
            installed().lower / 'etc/glance/glance-api-paste.ini')
        super().prepare()

    def command(self) -> list[str]:
        return installed().command('glance-api', '--config-file', self.conf)

    def python(self, code: str, *args: str) -> str:
        return command.run(self.name, installed().command(
            'python3', '-c', code, *args), cwd=self.directory)


class GlanceTest(api_base.ApiTestCase):
    """The line in the paste file is all that it takes."""

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-root', kind=RootGlanceApi, stores=test_one_line.STOCK)

    def test_progress(self) -> None:
        image_id = self.create()
        upload = self.upload(image_id, 4 * MiB)
        upload.send(bytes(2 * MiB))
        self.assertEqual(50, self.wait_store(
            image_id, bytes_written=2 * MiB)['percent'])
        upload.send(bytes(2 * MiB))
        self.assertEqual(204, upload.end())

    def test_runs_debians_python(self) -> None:
        """Not that of this test, which has us as well."""
        self.assertNotEqual('/', os.readlink(f'/proc/{self.api.pid}/root'))
