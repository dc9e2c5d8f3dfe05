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

"""kolla's and kolla-ansible's own tools, and a root that is as their image."""

from __future__ import annotations

import functools
import os
import pathlib
import shutil
import subprocess
import sys

from tests.deploy import roots
from tests.deploy import trees
from tests.deploy import wheels
from tests.functional import services

RECIPE = services.PROJECT / 'deploy' / 'kolla'

#: Where the recipe has an operator keep a clone of this repository.
CLONE = '/etc/kolla/glance-progress'

#: The image's own environment of Python.
VENV = '/var/lib/kolla/venv'

PATH = f'PATH={VENV}/bin:/usr/sbin:/usr/bin:/sbin:/bin'


@functools.cache
def venv() -> pathlib.Path:
    """Return the environment with kolla and kolla-ansible."""
    made = subprocess.run(
        ['bash', '-c', '. tools/lib.sh && make_venv kolla-2026.1'],
        cwd=services.PROJECT, check=True, stdout=subprocess.PIPE, text=True)
    return pathlib.Path(made.stdout.strip())


def run(*line: str | pathlib.Path) -> None:
    """Run one of their commands."""
    done = subprocess.run(
        [str(venv() / 'bin' / line[0]), *map(str, line[1:])], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, 'PATH': f'{venv()}/bin:{os.environ["PATH"]}'})
    assert not done.returncode, done.stdout[-4000:]


@functools.cache
def dockerfiles() -> pathlib.Path:
    """Have kolla-build write what it would build, and return where."""
    here = services.directory() / 'kolla-build'
    here.mkdir()
    trees.copy(here / 'clone')
    conf = here / 'kolla-build.conf'
    conf.write_text((RECIPE / 'kolla-build.conf').read_text().replace(
        CLONE, str(here / 'clone')))
    run('kolla-build', '--config-file', conf, '--base', 'debian',
        '--template-only', '--work-dir', here, '^glance-api$', '^nova-api$')
    return here / 'docker'


def instructions(dockerfile: pathlib.Path) -> list[str]:
    """Return what a Dockerfile would RUN of our recipe."""
    lines = dockerfile.read_text().splitlines()
    return [line.partition('RUN ')[2] for line in lines
            if line.startswith('RUN ') and '/additions/' in line]


class Image(roots.Root):
    """A root with what of glance-api's image counts here.

    It has the Glance of the environment that this runs in where the image
    has it, and neither us nor our line yet.

    :param config_files: what kolla-ansible mounts into the container
    """

    def __init__(self, name: str, config_files: pathlib.Path) -> None:
        super().__init__(
            name, roots.base('services', *roots.SERVICES),
            {'/var/lib/kolla/config_files': config_files})
        venv = self.upper / VENV[1:]
        # As copy_venv of tools/lib.sh does it, but without us.
        shutil.copytree(
            sys.prefix, venv, symlinks=True, copy_function=os.link,
            ignore=shutil.ignore_patterns('*glance_progress*', '__pycache__'))
        self._move_scripts(venv / 'bin')
        packages, = venv.glob('lib/python3*/site-packages')
        for place in ('requirements', 'etc/glance', 'etc/kolla', 'etc/ceph',
                      'var/log/kolla/glance', 'var/lib/glance/tmp'):
            (self.upper / place).mkdir(parents=True)
        # Nothing of Debian's Glance is seen below it.
        os.setxattr(self.upper / 'etc' / 'glance', 'trusted.overlay.opaque',
                    b'y')
        shutil.copytree(venv / 'etc' / 'glance', self.upper / 'etc' / 'glance',
                        dirs_exist_ok=True)
        (self.upper / 'requirements' / 'upper-constraints.txt').write_text(
            ''.join('%s===%s\n' % tuple(path.stem.rsplit('-', 1))
                    for path in packages.glob('*.dist-info')))
        trees.clone(self.upper / 'additions' / 'glance-progress')

    def _move_scripts(self, directory: pathlib.Path) -> None:
        """Have the scripts of the environment use the interpreter there."""
        here = f'#!{sys.prefix}/'.encode()
        for path in directory.iterdir():
            content = path.read_bytes() if not path.is_symlink() else b''
            if content.startswith(here):
                path.unlink()  # the other file of that content stays
                path.write_bytes(content.replace(here, b'#!%s/' %
                                                 VENV.encode(), 1))
                path.chmod(0o755)

    def shell(self, line: str) -> str:
        """Run a line of a Dockerfile; pip finds all on this machine."""
        return self.run(
            'env', PATH, 'PIP_NO_INDEX=1',
            f'PIP_FIND_LINKS={wheels.needed("3.11")}', 'sh', '-ec', line)

    def patch(self, patches: pathlib.Path) -> None:
        """Do what is done where a Dockerfile says ``RUN kolla_patch``."""
        shutil.rmtree(self.upper / 'patches', ignore_errors=True)
        shutil.copytree(patches, self.upper / 'patches')
        self.script('kolla_patch.sh')

    def script(self, name: str) -> None:
        """Run a script that the image has of kolla."""
        path = venv() / 'share' / 'kolla' / 'docker' / 'base' / name
        shutil.copy(path, self.upper)
        (self.upper / name).chmod(0o755)
        self.run('env', 'KOLLA_CONFIG_STRATEGY=COPY_ALWAYS', '/' + name)
