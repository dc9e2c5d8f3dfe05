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


"""Which files of a machine are changed, and that it is all of them or none."""

import contextlib
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys

import fixtures
import testtools

from tests.patches import base

TOP = pathlib.Path(__file__).resolve().parents[2]

# Does what the tool does, and gets a signal after so many files have been
# replaced.
INTERRUPTED = """\
import os, runpy, sys

number, after, tool, *arguments = sys.argv[1:]
stock, replaced = os.replace, []

def replace(source, target):
    stock(source, target)
    replaced.append(target)
    if len(replaced) == int(after):
        os.kill(os.getpid(), int(number))

os.replace = replace
sys.argv = [tool, *arguments]
runpy.run_path(tool, run_name='__main__')
"""

# A git that does not return before its parent has got a signal.
INTERRUPTING_GIT = """\
#!/bin/sh
kill -%d $PPID
exec sleep 60
"""


class WritingTest(base.TestCase):

    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(
            fixtures.TempDir()).path)

    def prefix(self, *interpreters):
        """Return a prefix with Nova for each of these interpreters."""
        for each in interpreters:
            target = self.directory / 'lib' / each / 'site-packages'
            shutil.copytree(self.unpack('nova', '34.0.0'), target)
        return self.directory

    def files(self):
        return {path: path.read_bytes() for path in
                self.directory.rglob('*') if path.is_file()}

    def patched(self, files):
        return {path for path, content in files.items()
                if b'undo_rebuild' in content}

    def command(self, *words, python=(), **environment):
        return subprocess.run(
            [sys.executable, *python,
             TOP / 'patches' / 'apply.py', *words], cwd='/',
            env={**os.environ, **environment}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class PrefixTest(WritingTest):

    def test_two_interpreters(self):
        root = self.prefix('python3.9', 'python3.11')
        before = self.files()
        self.assertEqual(0, self.tool(root, 'apply'))
        self.assertEqual(4, len(self.patched(self.files())))
        self.assertEqual(0, self.tool(root, 'check'))
        self.assertEqual(0, self.tool(root, 'reverse'))
        self.assertEqual(before, self.files())

    def test_one_of_two_interpreters_is_not_patched(self):
        root = self.prefix('python3.9', 'python3.11')
        for each in 'python3.9', 'python3.11':
            self.tool(root, 'reverse')
            self.tool(root / 'lib' / each / 'site-packages', 'apply')
            self.assertEqual(2, len(self.patched(self.files())))
            self.assertEqual(1, self.tool(root, 'check'))
        self.assertEqual(0, self.tool(root, 'apply'))
        self.assertEqual(4, len(self.patched(self.files())))

    def test_one_of_two_interpreters_does_not_fit(self):
        for each in 'python3.9', 'python3.11':
            shutil.rmtree(self.directory / 'lib', ignore_errors=True)
            root = self.prefix('python3.9', 'python3.11')
            path = (root / 'lib' / each / 'site-packages' / base.CONDUCTOR)
            path.write_text(path.read_text().replace('orig_image_ref', 'x'))
            before = self.files()
            self.assertEqual(2, self.tool(root, 'apply'))
            self.assertEqual(before, self.files())

    def test_lib64(self):
        for link, target in (('lib64', 'lib'), ('lib', 'lib64')):
            shutil.rmtree(self.directory / 'lib', ignore_errors=True)
            root = self.prefix('python3.9')
            if target == 'lib64':
                (root / 'lib64').unlink()
                (root / 'lib').rename(root / 'lib64')
            (root / link).symlink_to(target)
            self.assertEqual((0, 'nova 34.0.0: applied\n'),
                             self.messages(root, 'apply'))
            self.assertTrue((root / link).is_symlink())

    def test_lib64_alone(self):
        root = self.prefix('python3.9')
        (root / 'lib').rename(root / 'lib64')
        self.assertEqual(0, self.tool(root, 'apply'))

    def test_debian(self):
        root = self.prefix('python3')
        packages = root / 'lib' / 'python3'
        (packages / 'site-packages').rename(packages / 'dist-packages')
        self.assertEqual(0, self.tool(root, 'apply'))


class LinkTest(WritingTest):

    def assert_patched(self, path):
        self.assertIn(b'undo_rebuild', path.read_bytes())

    def test_file(self):
        root = self.prefix('python3.11') / 'lib/python3.11/site-packages'
        path, target = root / base.CONDUCTOR, self.directory / 'manager.py'
        before = path.read_bytes()
        path.rename(target)
        path.symlink_to(target)
        self.assertEqual(0, self.tool(root, 'apply'))
        self.assertEqual(str(target), os.readlink(path))
        self.assert_patched(target)
        self.assertEqual(0, self.tool(root, 'reverse'))
        self.assertEqual(str(target), os.readlink(path))
        self.assertEqual(before, target.read_bytes())

    def test_package(self):
        """Of two interpreters that share it, it is patched once."""
        root = self.prefix('python3.9', 'python3.11')
        packages = [root / 'lib' / each / 'site-packages' / 'nova'
                    for each in ('python3.9', 'python3.11')]
        shutil.rmtree(packages[1])
        packages[1].symlink_to(packages[0])
        self.assertEqual(0, self.tool(root, 'apply'))
        self.assertTrue(packages[1].is_symlink())
        self.assertEqual(0, self.tool(root, 'check'))
        self.assertEqual(0, self.tool(root, 'reverse'))
        self.assertEqual(set(), self.patched(self.files()))

    def test_hard_link(self):
        """As uv has it: the one in its cache stays."""
        root = self.prefix('python3.11') / 'lib/python3.11/site-packages'
        cache = self.directory / 'cache.py'
        os.link(root / base.CONDUCTOR, cache)
        before = cache.read_bytes()
        self.assertEqual(0, self.tool(root, 'apply'))
        self.assert_patched(root / base.CONDUCTOR)
        self.assertEqual(before, cache.read_bytes())

    def test_mode(self):
        root = self.prefix('python3.11') / 'lib/python3.11/site-packages'
        (root / base.CONDUCTOR).chmod(0o640)
        self.assertEqual(0, self.tool(root, 'apply'))
        self.assertEqual(0o640, stat.S_IMODE(
            (root / base.CONDUCTOR).stat().st_mode))

    def test_time(self):
        """Nor does Python take what it has compiled before."""
        root = self.prefix('python3.11') / 'lib/python3.11/site-packages'
        os.utime(root / base.CONDUCTOR, (1, 1))
        self.assertEqual(0, self.tool(root, 'apply'))
        self.assertLess(1, (root / base.CONDUCTOR).stat().st_mtime)


class InterruptedTest(WritingTest):

    SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

    def test_between_two_files(self):
        root = self.prefix('python3.11')
        before = self.files()
        for number in self.SIGNALS:
            for after in 1, 2:
                done = self.command(
                    'apply', root,
                    python=('-c', INTERRUPTED, str(int(number)), str(after)))
                self.assertEqual(128 + number, done.returncode, done.stderr)
                self.assertEqual(set(before), set(self.files()))
                self.assertEqual(2, len(self.patched(self.files())))
                self.assertEqual(0, self.tool(root, 'reverse'))
                self.assertEqual(before, self.files())

    def test_before(self):
        """While git works, there are temporary files."""
        root = self.prefix('python3.11')
        before = self.files()
        scratch = self.useFixture(fixtures.TempDir()).path
        tools = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        for number in self.SIGNALS:
            # The first call names the files; what they are copied to is
            # there at the second one.
            git = tools / 'git'
            git.write_text(
                '#!/bin/sh\nfor word; do [ "$word" != --numstat ] || '
                'exec %s "$@"; done\n' % shutil.which('git')
                + INTERRUPTING_GIT.split('\n', 1)[1] % number)
            git.chmod(0o755)
            done = self.command('apply', root, TMPDIR=scratch, PATH='%s:%s' % (
                tools, os.environ['PATH']))
            self.assertEqual(128 + number, done.returncode, done.stderr)
            self.assertEqual(before, self.files())
            self.assertEqual([], os.listdir(scratch))


class OwnerTest(WritingTest):

    @testtools.skipUnless(shutil.which('dpkg-deb'), 'needs dpkg')
    def test_dpkg(self):
        root = self.prefix('python3')
        database = self.useFixture(fixtures.TempDir()).path
        self.install(root, database)
        with fixtures.EnvironmentVariable('DPKG_ADMINDIR', database):
            for command in 'apply', 'reverse':
                status, said = self.messages(root, command)
                self.assertEqual(0, status)
                for path in base.REBUILD, base.CONDUCTOR:
                    self.assertIn('WARNING: %s belongs to the package '
                                  'python3-nova,' % self.of(root, path), said)
            for command in 'check', 'reverse':
                self.assertNotIn('WARNING', self.messages(root, command)[1])
        self.assertNotIn('WARNING', self.messages(root, 'apply')[1])

    def of(self, root, path):
        return root / 'lib' / 'python3' / 'site-packages' / path

    def install(self, root, database):
        """Have dpkg believe that a package of its own brought the files."""
        package = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        shutil.copytree(root, package / root.relative_to('/'))
        (package / 'DEBIAN').mkdir()
        (package / 'DEBIAN' / 'control').write_text(
            'Package: python3-nova\nVersion: 34.0.0\nArchitecture: all\n'
            'Maintainer: nobody <nobody@example.org>\nDescription: test\n')
        deb = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / 'a.deb'
        base.run('dpkg-deb', '--build', package, deb)
        for name in 'info', 'updates':
            (pathlib.Path(database) / name).mkdir()
        for name in 'status', 'available':
            (pathlib.Path(database) / name).write_text('')
        base.run('dpkg', '--admindir', database, '--log', '/dev/null',
                 '--force-not-root', '--unpack', deb)

    def test_rpm(self):
        """A stand-in for it, which says what it says."""
        root = self.prefix('python3')
        tools = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        (tools / 'rpm').write_text(
            '#!/bin/sh\n[ "$1" = -qf ] || exit 1\ncase $2 in *manager.py)\n'
            'echo python3-nova-34.0.0-1.el10.noarch ;; *)\n'
            'echo "file $2 is not owned by any package"; exit 1 ;; esac\n')
        (tools / 'rpm').chmod(0o755)
        with fixtures.EnvironmentVariable(
                'PATH', '%s:%s' % (tools, os.environ['PATH'])):
            said = self.messages(root, 'apply')[1]
        self.assertIn('%s belongs to the package python3-nova-34.0.0-1.el10.'
                      'noarch,' % self.of(root, base.CONDUCTOR), said)
        self.assertNotIn(str(base.REBUILD), said)

    def test_named_before(self):
        """Also where nothing can be written then."""
        root = self.prefix('python3')

        def fail(*arguments):
            raise OSError('read-only')

        with contextlib.ExitStack() as stack:
            stack.enter_context(fixtures.MonkeyPatch('os.replace', fail))
            stack.enter_context(fixtures.MonkeyPatch(
                'patches.patching.files.owners',
                lambda path: ['python3-nova']))
            status, said = self.messages(root, 'apply')
        self.assertEqual(2, status)
        self.assertRegex(said, r'(?s)WARNING: .*python3-nova.*ERROR: cannot')
