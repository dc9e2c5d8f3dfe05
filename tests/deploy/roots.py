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

"""Roots with a Debian, in which packages are built, installed and used."""

from __future__ import annotations

from collections.abc import Mapping
import functools
import pathlib
import shlex
import subprocess

from tests.functional import services

#: What the tests have in a root from the start. The two services bring all
#: that our packages depend on beside python3-pymemcache and python3-tqdm.
#: Git and patch are in the images of kolla.
SERVICES = ('bookworm', 'git', 'glance-api', 'nova-api', 'patch',
            'python3-pymemcache', 'python3-rbd', 'python3-tqdm')


@functools.cache
def base(name: str, suite: str, *packages: str) -> pathlib.Path:
    """Return the root of that name, which nobody may change."""
    made = subprocess.run(
        ['bash', '-c', '. tools/lib.sh && debian_root "$@"', 'bash', name,
         suite, *packages],
        cwd=services.PROJECT, check=True, stdout=subprocess.PIPE, text=True)
    return pathlib.Path(made.stdout.strip())


class Root:
    """A root that one may change, laid over another, which stays as it is.

    Each command has a mount namespace of its own, so that nothing is left
    mounted, whatever ends the tests.

    :param lower: the other
    :param places: directory as commands see it -> directory of the machine;
        that of the run's services is always there
    :ivar upper: has all that was changed, and nothing else
    """

    def __init__(self, name: str, lower: pathlib.Path,
                 places: Mapping[str, pathlib.Path] | None = None) -> None:
        directory = services.directory() / name
        here = str(services.directory())
        self.lower = lower
        self.upper = directory / 'upper'
        self._work = directory / 'work'
        self._merged = directory / 'merged'
        self._places = {here: services.directory(), **(places or {})}
        for path in (self.upper, self._work, self._merged):
            path.mkdir(parents=True)

    def command(self, *line: str | pathlib.Path) -> list[str]:
        """Return what runs a command in the root, as this process's child."""
        merged = str(self._merged)
        steps = [
            ['mount', '-t', 'overlay', 'overlay', '-o',
             f'lowerdir={self.lower},upperdir={self.upper},'
             f'workdir={self._work}', merged],
            ['mount', '--rbind', '/proc', merged + '/proc'],
            ['mount', '--rbind', '/dev', merged + '/dev'],
            ['mount', '--bind', '/etc/resolv.conf',
             merged + '/etc/resolv.conf']]
        for place, path in self._places.items():
            steps += [['mkdir', '-p', merged + place],
                      ['mount', '--bind', str(path), merged + place]]
        run = ['exec', 'chroot', merged, 'env', 'DEBIAN_FRONTEND='
               'noninteractive', 'LC_ALL=C.UTF-8', *map(str, line)]
        return ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec',
                '\n'.join(map(shlex.join, [*steps, run]))]

    def run(self, *line: str | pathlib.Path, cwd: str = '/') -> str:
        """Run a command in the root and return its standard output."""
        done = subprocess.run(
            self.command('sh', '-c', 'cd "$0" && exec "$@"', cwd, *line),
            capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert not done.returncode, '%s: %s' % (
            shlex.join(map(str, line)), (done.stdout + done.stderr)[-4000:])
        return done.stdout

    def apt_get(self, *arguments: str | pathlib.Path) -> None:
        self.run('apt-get', '--quiet', '--yes', '--no-install-recommends',
                 *arguments)

    def packages(self) -> dict[str, str]:
        """Return the version of each package that is installed."""
        lines = self.run('dpkg-query', '--show').splitlines()
        return dict(line.split('\t') for line in lines)

    def changed(self) -> set[str]:
        """Return what files differ from the root below, but for apt's."""
        kept = ('/var/lib/apt/', '/var/lib/dpkg/', '/var/cache/', '/var/log/')
        found = {'/' + str(path.relative_to(self.upper))
                 for path in self.upper.rglob('*') if not path.is_dir()}
        return {path for path in found if not path.startswith(kept)}
