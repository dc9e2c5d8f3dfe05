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


"""Trees that are not as released: what fits is patched, the rest is left."""

import os
import re

import fixtures

from patches import apply
from patches.patching import series
from tests.patches import base

# Neither the first nor the last of a series: what is between two releases,
# or came later. The files are those of the first version.
COVERED = (
    ('nova', '17.0.10', '17.0.11.dev2'),
    ('nova', '18.2.1', '18.2.2.dev1'),
    ('nova', '20.6.1', '20.6.2'),
    ('nova', '21.0.0', '21.1.0.dev12'),
    ('nova', '21.2.0', '21.2.1.dev4'),
    ('nova', '21.2.1', '21.2.2.dev1'),
    ('nova', '21.2.4', '21.2.5.dev3'),
    ('nova', '22.4.0', '22.4.1.dev9'),
    ('nova', '25.3.0', '25.3.1.dev2'),
    ('nova', '26.0.0', '26.0.0.0rc1'),
    ('nova', '26.3.0', '26.3.1.dev5'),
    ('nova', '28.3.1', '28.9.9'),
    ('nova', '31.3.1', '31.3.2.dev3'),
    ('nova', '32.2.1', '32.2.2'),
    ('nova', '33.0.2', '33.0.3.dev7'),
    ('nova', '34.0.0', '34.0.1.dev2'),
    ('nova', '34.0.0', '34.1.0.dev300'),
    ('glance', '32.0.0', '32.1.0'),
    ('glance', '33.0.0', '33.0.1.dev1'),
    ('cinder', '25.3.1', '25.3.2.dev4'),
    ('cinder', '27.0.0', '27.1.0'),
    ('cinder', '29.0.0', '29.0.1.dev1'),
)
UNKNOWN = (
    ('nova', '16.1.6', '15.1.5'),
    ('nova', '34.0.0', '35.0.0.0rc1'),
    ('nova', '34.0.0', '35.0.0'),
    ('glance', '25.0.0', '24.2.1'),
    ('glance', '33.0.0', '34.0.0'),
    ('cinder', '21.0.0', '20.3.2'),
    ('cinder', '29.0.0', '30.0.0'),
)


class TreeTest(base.TestCase):

    def relabel(self, project, version, label):
        """Return a tree of *version* that says it is *label*."""
        root = self.unpack(project, version)
        metadata, = root.glob('*.dist-info/METADATA')
        metadata.write_text(re.sub(
            '(?m)^Version: .*', 'Version: ' + label, metadata.read_text(),
            count=1))
        return root

    def edit(self, path, old, new):
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new))

    def check_cycle(self, root):
        before = self.contents(root)
        self.assertEqual(1, self.tool(root, 'check'))
        self.assertEqual(0, self.tool(root, 'apply'))
        self.assertNotEqual(before, self.contents(root))
        self.assertEqual(0, self.tool(root, 'check'))
        self.assertEqual(0, self.tool(root, 'reverse'))
        self.assertEqual(before, self.contents(root))

    def check_refused(self, root, *expected):
        before = self.contents(root)
        for command in 'check', 'apply', 'reverse':
            status, said = self.messages(root, command)
            self.assertEqual((2, 'ERROR'), (status, said[:5]))
            for words in expected:
                self.assertIn(words, said)
        self.assertEqual(before, self.contents(root))

    def test_covered(self):
        for project, version, label in COVERED:
            with self.subTest(label):
                self.check_cycle(self.relabel(project, version, label))

    def test_unknown(self):
        for project, version, label in UNKNOWN:
            with self.subTest(label):
                self.check_refused(
                    self.relabel(project, version, label),
                    'no patches for %s %s;' % (project, label))

    def test_merged_later(self):
        root = self.unpack('nova', '34.0.0')
        self.tool(root, 'apply')
        merged = self.contents(root)
        root = self.relabel('nova', '34.0.0', '34.0.1')
        for path, content in merged.items():
            (root / path).write_bytes(content)
        for command in 'check', 'apply':
            status, said = self.messages(root, command)
            self.assertEqual(0, status)
            self.assertIn('there already', said)
        self.assertEqual(merged, self.contents(root))

    def test_merged_otherwise(self):
        self.check_refused(self.relabel('nova', '21.2.1', '21.2.1.dev4'),
                           str(base.REBUILD), 'those of another release')

    def test_other_source_than_it_says(self):
        self.check_refused(self.relabel('nova', '20.6.1', '34.0.1.dev2'),
                           'those of another release')

    def test_local_changes(self):
        root = self.unpack('nova', '34.0.0')
        self.edit(root / base.CONDUCTOR, 'instance.image_ref = orig_image_ref',
                  'instance.image_ref = orig_image_ref or None')
        self.check_refused(root, str(base.CONDUCTOR), 'local changes')

    def test_local_changes_elsewhere(self):
        root = self.unpack('nova', '34.0.0')
        path = root / base.CONDUCTOR
        path.write_text('# ours\n' + path.read_text() + '# ours\n')
        self.check_cycle(root)

    def test_half_of_a_patch(self):
        """What is changed in one file is not in the other."""
        root = self.unpack('nova', '34.0.0')
        before = (root / base.CONDUCTOR).read_bytes()
        self.tool(root, 'apply')
        (root / base.CONDUCTOR).write_bytes(before)
        self.check_refused(root, str(base.CONDUCTOR), 'local changes')

    def test_older_series(self):
        """The first patches are there, from when there were no others."""
        root = self.unpack('nova', '20.6.1')
        states = [self.contents(root)]
        for patch in series.patches(series.choose('nova', '20.6.1')):
            base.run('patch', '-s', '-p1', '-d', root, '-i', patch)
            states.append(self.contents(root))
        self.assertEqual(4, len(states))
        for part in states[1:-1]:
            for command, after in ('apply', states[-1]), ('reverse',
                                                          states[0]):
                for path, content in part.items():
                    (root / path).write_bytes(content)
                self.assertEqual(1, self.tool(root, 'check'))
                self.assertEqual(0, self.tool(root, command))
                self.assertEqual(after, self.contents(root))

    def test_half_of_a_refused_location(self):
        """A caught refusal alone would read the disk of a running guest."""
        root = self.unpack('nova', '34.0.0')
        before = (root / base.SNAPSHOT).read_bytes()
        self.tool(root, 'apply')
        (root / base.SNAPSHOT).write_bytes(before)
        self.check_refused(root, str(base.SNAPSHOT), 'local changes')

    def test_file_missing(self):
        root = self.unpack('nova', '34.0.0')
        (root / base.CONDUCTOR).unlink()
        self.check_refused(root, str(base.CONDUCTOR))

    def test_no_text(self):
        root = self.unpack('nova', '34.0.0')
        (root / base.CONDUCTOR).write_bytes(b'\xff')
        self.check_refused(root, str(base.CONDUCTOR))

    def test_configured_git(self):
        """Neither settings of the user nor a repository around it matter."""
        home = self.useFixture(fixtures.TempHomeDir()).path
        base.run('git', 'config', '--global', 'apply.whitespace', 'fix')
        self.addCleanup(os.unlink, os.path.join(home, '.gitconfig'))
        root = self.unpack('nova', '34.0.0')
        self.git(root.parent, 'init', '-q')
        path = root / base.CONDUCTOR
        path.write_text(path.read_text() + '# ours  \n')
        with fixtures.EnvironmentVariable('GIT_DIR', str(root / '.git')):
            self.check_cycle(root)

    def test_no_git(self):
        root = self.unpack('nova', '34.0.0')
        with fixtures.EnvironmentVariable('PATH', str(root)):
            self.check_refused(root, 'cannot run git')

    def test_versions_differ(self):
        """Leftovers of pip: nobody knows which of them the files are of."""
        root = self.unpack('nova', '34.0.0')
        metadata, = root.glob('*.dist-info')
        other = root / 'nova-33.0.2.dist-info'
        other.mkdir()
        (other / 'METADATA').write_text(
            (metadata / 'METADATA').read_text().replace('34.0.0', '33.0.2'))
        self.check_refused(root, 'metadata of nova', '33.0.2', '34.0.0')

    def both(self, nova='34.0.0', glance='33.0.0'):
        root = self.relabel('nova', '34.0.0', nova)
        for path in list(self.relabel('glance', '33.0.0', glance).iterdir()):
            path.rename(root / path.name)
        return root

    def test_one_of_two_unknown(self):
        # Whichever is looked at first.
        self.check_refused(self.both(glance='34.0.0'), 'glance 34.0.0')
        root = self.both(nova='35.0.0')
        self.check_refused(root, 'nova 35.0.0')
        self.assertEqual(0, apply.main(
            ['apply', '--project', 'glance', str(root)]))

    def test_one_of_two_cannot_be_written(self):
        root = self.both()
        before = sorted(root.rglob('*')), self.contents(root)
        replaced = []

        def replace(source, target, _replace=os.replace):
            if replaced and target not in replaced:
                raise OSError('disk on fire')
            replaced.append(target)
            _replace(source, target)

        with fixtures.MonkeyPatch('os.replace', replace):
            status, said = self.messages(root, 'apply')
        self.assertEqual((2, 'ERROR: cannot write: disk on fire\n'),
                         (status, said))
        # And then put back
        self.assertEqual(2, len(replaced))
        self.assertEqual(before, (sorted(root.rglob('*')),
                                  self.contents(root)))

    def test_no_room(self):
        """Whichever of the temporary files it ends with."""
        root = self.both()
        before = sorted(root.rglob('*')), self.contents(root)
        for fitting in range(6):
            made = []

            def copystat(source, target):
                if len(made) == fitting:
                    raise OSError('no space left')
                made.append(target)

            with fixtures.MonkeyPatch('shutil.copystat', copystat):
                self.assertEqual(
                    (2, 'ERROR: cannot write: no space left\n'),
                    self.messages(root, 'apply'))
            self.assertEqual(fitting, len(made))
            self.assertEqual(before, (sorted(root.rglob('*')),
                                      self.contents(root)))

    def test_checkout(self):
        root = self.unpack('nova', '34.0.0')
        for path in root.glob('*.dist-info/*'):
            path.unlink()
        (root / 'setup.cfg').write_text('[metadata]\nname = nova\n')
        self.git(root, 'init', '-q')
        self.git(root, 'add', '.')
        self.git(root, 'commit', '-qm', 'released')
        self.git(root, 'tag', '34.0.0')
        self.git(root, 'commit', '-qm', 'later', '--allow-empty')
        self.assertIn('nova 34.0.0-1-g', self.messages(root, 'check')[1])
        self.check_cycle(root)
        self.git(root, 'tag', '35.0.0')
        self.check_refused(root, 'nova 35.0.0')


class SeriesTest(base.TestCase):

    def test_ranges(self):
        """Each major release has one series, or several that follow."""
        for project in series.projects():
            ranges = sorted(
                [series.order(version)
                 for version in series.versions(path.parent)]
                for path in series.PATCHES.glob(project + '/*/series'))
            for (first, last), (following, _) in zip(ranges, ranges[1:]):
                self.assertLessEqual(first, last)
                self.assertLess(last, following)
                self.assertEqual(first[0][0], last[0][0])
                self.assertLessEqual(following[0][0] - first[0][0], 1)

    def test_series_are_complete(self):
        """A patch that no series names would never be applied."""
        for path in series.PATCHES.glob('*/*/series'):
            self.assertEqual(
                set(path.parent.glob('*.patch')),
                set(series.patches(path.parent)))
