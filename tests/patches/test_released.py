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

import ast
import re
import warnings

from patches.patching import series
from tests.patches import base

# What is in which function of which file, once a series is applied. Lines of
# one release may be found in another function of the next one.
PLACES = {
    'refused-location-falls-back': (
        ('nova/image/glance.py', '_add_location', 'ImageUnacceptable'),
        ('nova/virt/libvirt/driver.py', 'snapshot', 'resumed')),
    'snapshot-upload-tells-size': (
        ('nova/image/glance.py', '_upload_data', '_sized'),),
    'volume-upload-tells-size': (
        ('cinder/image/glance.py', 'update', '_size_of'),),
}

# Neither the first nor the last of a series: where upstream's fix of rebuild
# came in, as far as it has been released.
BETWEEN = ('21.1.2',)
CANDIDATE = '22.0.0.0rc1'


def released():
    """Return project, series and version of every release to be tried."""
    found = []
    for path in sorted(series.PATCHES.glob('*/*/series')):
        for version in dict.fromkeys(series.versions(path.parent)):
            found.append((path.parent.parent.name, path.parent, version))
    for version in (*BETWEEN, CANDIDATE):
        found.append(('nova', series.choose('nova', version), version))
    return found


class ReleasedTest(base.TestCase):

    def compile(self, contents):
        """Return the syntax trees of files by their names."""
        found = {}
        for path, source in contents.items():
            # Up to Queens the name of a parameter, since Python 3.7 a keyword
            source = re.sub(rb'\basync\b', b'async_', source)
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                compile(source, str(path), 'exec', dont_inherit=True)
                found[str(path)] = ast.parse(source)
        return found

    def check_places(self, patches, trees):
        for patch in patches:
            for path, name, word in PLACES.get(patch.stem[5:], ()):
                functions = [
                    ast.dump(node) for node in ast.walk(trees[path])
                    if isinstance(node, ast.FunctionDef) and node.name == name]
                self.assertIn("'%s'" % word, ' '.join(functions), name)

    def check_release(self, project, directory, version):
        self.assertEqual(directory, series.choose(project, version))
        root = self.unpack(project, version)
        before = self.contents(root)
        self.assertEqual(1, self.tool(root, 'check'))
        self.assertEqual(0, self.tool(root, 'apply'))
        after = self.contents(root)
        self.assertNotEqual(before, after)
        self.assertEqual(0, self.tool(root, 'check'))
        patches = series.patches(directory)
        self.check_places(patches, self.compile(after))
        self.assertEqual(0, self.tool(root, 'apply'))
        self.assertEqual(after, self.contents(root))
        self.assertEqual(0, self.tool(root, 'reverse'))
        self.assertEqual(before, self.contents(root))
        self.assertEqual(0, self.tool(root, 'reverse'))

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

    def test_every_release_has_them(self):
        for project, directory, version in released():
            names = {patch.stem[5:] for patch in series.patches(directory)}
            if project == 'nova':
                self.assertIn('refused-location-falls-back', names)
                # Before, no glanceclient is new enough to send it.
                self.assertEqual(series.major(version) >= 26,
                                 'snapshot-upload-tells-size' in names)
            if project == 'cinder':
                self.assertEqual({'volume-upload-tells-size'}, names)

    def test_fix_of_rebuild(self):
        """The releases with the patch are those that lack upstream's fix."""
        fix = b"update({'image_base_image_ref': image_id})"
        for project, directory, version in released():
            if project == 'nova':
                contents = self.contents(self.unpack('nova', version))
                patched = any('base-image-ref' in patch.name
                              for patch in series.patches(directory))
                self.assertEqual(
                    patched, fix not in contents[base.REBUILD], version)


def _add(project, directory, version):
    name = 'test_%s_%s' % (project, version.replace('.', '_'))
    setattr(ReleasedTest, name,
            lambda self: self.check_release(project, directory, version))


for _release in released():
    _add(*_release)


if __name__ == '__main__':
    for project, _, version in released():
        print('%s==%s' % (project, version))
