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


"""Every patch, on the first and the last release of its series."""

import re
import warnings

from tests.patches import base
from tools import apply_patches

# The first release on the index, where that is not the first of the series.
_FIRST = {'16.0.0': '16.1.6', '17.0.0': '17.0.7', '18.0.0': '18.0.2'}

# The first and the last that a series has "# upstream" for, and one between.
UNPATCHED = ('21.2.1', '22.0.0', '25.3.0')


def released():
    """Return project, series and version of every release to be tried."""
    found = []
    for path in sorted(apply_patches.PATCHES.glob('*/*/series')):
        (first, last), = apply_patches.ranges(path, 'versions')
        for version in sorted({_FIRST.get(first, first), last}):
            found.append((path.parent.parent.name, path.parent, version))
    return found


class ReleasedTest(base.TestCase):

    def compile(self, contents):
        for path, source in contents.items():
            # Up to Queens the name of a parameter, since Python 3.7 a keyword
            source = re.sub(rb'\basync\b', b'async_', source)
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                compile(source, str(path), 'exec', dont_inherit=True)

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
            base.run('patch', '-p1', '--fuzz=0', '-d', root, '-i', patch)
        self.assertEqual(after, self.contents(root))
        for patch in reversed(patches):
            base.run('patch', '-R', '-p1', '--fuzz=0', '-d', root, '-i', patch)
        self.assertEqual(before, self.contents(root))

        self.git(root, 'init', '-q')
        self.git(root, 'add', '.')
        self.git(root, 'commit', '-qm', 'released')
        self.git(root, 'am', *patches)
        self.assertEqual(after, self.contents(root))

    def test_releases_with_the_fix(self):
        for version in UNPATCHED:
            root = self.unpack('nova', version)
            before = self.contents(root)
            self.assertIn(b"update({'image_base_image_ref': image_id})",
                          before[base.REBUILD])
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
    for version in UNPATCHED:
        print('nova==%s' % version)
