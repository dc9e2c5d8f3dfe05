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


"""Released wheels, which tests of the patches make trees of.

They are in the directory $GLANCE_PROGRESS_WHEELS; tools/run-tests.sh fetches
those that ``python -m tests.patches.test_released`` names.
"""

import contextlib
import functools
import io
import os
import pathlib
import subprocess
import zipfile

import fixtures
import testtools

from patches import apply
from patches.patching import rewriting
from patches.patching import series

REBUILD = pathlib.Path('nova/compute/api.py')
CONDUCTOR = pathlib.Path('nova/conductor/manager.py')
STORES = pathlib.Path('glance/api/v2/discovery.py')
SNAPSHOT = pathlib.Path('nova/virt/libvirt/driver.py')


def wheels():
    return pathlib.Path(os.environ['GLANCE_PROGRESS_WHEELS'])


def run(*command, **options):
    done = subprocess.run(
        [str(word) for word in command], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, **options)
    assert not done.returncode, done.stdout
    return done.stdout


@functools.lru_cache(maxsize=None)
def patched(project):
    """Return the paths of the files that any patch of *project* changes."""
    return {name for patch in series.PATCHES.glob(project + '/*/*.patch')
            for name in rewriting.files(patch)}


class TestCase(testtools.TestCase):

    def unpack(self, project, version):
        """Return a tree with the metadata and the files of our patches."""
        root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        wheel, = wheels().glob('%s-%s-*.whl' % (project, version))
        names = patched(project)
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name in names or name.endswith('.dist-info/METADATA'):
                    archive.extract(name, root)
        return root

    def contents(self, root):
        return {path.relative_to(root): path.read_bytes()
                for path in root.rglob('*.py')}

    def git(self, root, *words):
        return run('git', '-C', root, '-c', 'user.name=t',
                   '-c', 'user.email=t@example.org', *words)

    def tool(self, root, command):
        return apply.main([command, str(root)])

    def messages(self, root, command):
        """Return exit status and what was printed."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), \
                contextlib.redirect_stderr(printed):
            status = self.tool(root, command)
        return status, printed.getvalue()
