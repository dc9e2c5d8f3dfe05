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


"""Every patch, on the first and the last release of its series.

The wheels are in the directory $GLANCE_PROGRESS_WHEELS; tools/run-tests.sh
fetches those that ``python -m tests.patches.test_released`` names.
"""

import os
import pathlib
import re
import subprocess
import warnings
import zipfile

import fixtures
import testtools

from tools import apply_patches

# The first release on the index, where that is not the first of the series.
_FIRST = {'16.0.0': '16.1.6', '17.0.0': '17.0.7', '18.0.0': '18.0.2'}

#: Releases between two series, which need no patch, and one with its fix.
UNPATCHED = {'nova': ['21.2.1'], 'glance': []}


def released():
    """Return project, series and version of every release to be tried."""
    found = []
    for path in sorted(apply_patches.PATCHES.glob('*/*/series')):
        first, last = re.search(
            r'# versions: (\S+) to (\S+)', path.read_text()).groups()
        for version in sorted({_FIRST.get(first, first), last}):
            found.append((path.parent.parent.name, path.parent, version))
    return found


def wheels():
    return pathlib.Path(os.environ['GLANCE_PROGRESS_WHEELS'])


def run(*command, **options):
    done = subprocess.run(
        [str(word) for word in command], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, **options)
    assert not done.returncode, done.stdout
    return done.stdout


class ReleasedTest(testtools.TestCase):

    def unpack(self, project, version):
        """Return a tree with the metadata and the files of our patches."""
        root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        wheel, = wheels().glob('%s-%s-*.whl' % (project, version))
        names = {hunk.path for series in apply_patches.PATCHES.glob(
            project + '/*') for hunk in apply_patches.hunks(series)}
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name in names or name.endswith('.dist-info/METADATA'):
                    archive.extract(name, root)
        return root

    def contents(self, root):
        return {path.relative_to(root): path.read_bytes()
                for path in root.rglob('*.py')}

    def compile(self, contents):
        for path, source in contents.items():
            # Up to Queens the name of a parameter, since Python 3.7 a keyword
            source = re.sub(rb'\basync\b', b'async_', source)
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                compile(source, str(path), 'exec', dont_inherit=True)

    def git(self, root, *words):
        return run('git', '-C', root, '-c', 'user.name=t',
                   '-c', 'user.email=t@example.org', *words)

    def tool(self, root, command):
        return apply_patches.main([command, str(root)])

    def check_release(self, project, series, version):
        root = self.unpack(project, version)
        before = self.contents(root)
        self.assertEqual(1, self.tool(root, 'check'))
        self.assertEqual(0, self.tool(root, 'apply'))
        after = self.contents(root)
        self.assertNotEqual(before, after)
        self.assertEqual(0, self.tool(root, 'check'))
        self.compile(after)
        self.assertEqual(0, self.tool(root, 'apply'))
        self.assertEqual(after, self.contents(root))
        self.assertEqual(0, self.tool(root, 'reverse'))
        self.assertEqual(before, self.contents(root))
        self.assertEqual(0, self.tool(root, 'reverse'))

        patches = [series / line for line in
                   (series / 'series').read_text().splitlines()
                   if not line.startswith('#')]
        for patch in patches:
            run('patch', '-p1', '--fuzz=0', '-d', root, '-i', patch)
        self.assertEqual(after, self.contents(root))
        for patch in reversed(patches):
            run('patch', '-R', '-p1', '--fuzz=0', '-d', root, '-i', patch)
        self.assertEqual(before, self.contents(root))

        self.git(root, 'init', '-q')
        self.git(root, 'add', '.')
        self.git(root, 'commit', '-qm', 'released')
        self.git(root, 'am', *patches)
        self.assertEqual(after, self.contents(root))

    def test_release_with_the_fix(self):
        for project, versions in UNPATCHED.items():
            for version in versions:
                root = self.unpack(project, version)
                before = self.contents(root)
                for command in 'check', 'apply', 'reverse':
                    self.assertEqual(0, self.tool(root, command))
                self.assertEqual(before, self.contents(root))


def _add(project, series, version):
    name = 'test_%s_%s' % (project, version.replace('.', '_'))
    setattr(ReleasedTest, name,
            lambda self: self.check_release(project, series, version))


for _release in released():
    _add(*_release)


if __name__ == '__main__':
    for project, _, version in released():
        print('%s==%s' % (project, version))
    for project, versions in UNPATCHED.items():
        for version in versions:
            print('%s==%s' % (project, version))
