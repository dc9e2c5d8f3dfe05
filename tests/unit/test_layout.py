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

"""Tests that each package imports only what stands below it."""

import ast
import pathlib

import testtools

TOP = pathlib.Path(__file__).parents[2]

#: What is installed or run as a package of its own.
PACKAGES = ('allinone', 'devstack', 'glance_progress',
            'glance_progress_dashboard', 'glance_progress_tempest_plugin',
            'nova_snapshot_fix', 'patches')

#: package -> packages of this tree that it does not know
STRANGERS = {
    'allinone': {'devstack', 'glance_progress', 'nova_snapshot_fix', 'patches',
                 'tests', 'tools'},
    'glance_progress': {'allinone', 'nova_snapshot_fix', 'tests', 'tools'},
    # It runs where Horizon does, without Glance.
    'glance_progress_dashboard': {'allinone', 'glance_progress',
                                  'nova_snapshot_fix', 'tests', 'tools'},
    'nova_snapshot_fix': {'allinone', 'glance_progress', 'tests', 'tools'},
    'patches': {'allinone', 'glance_progress', 'nova_snapshot_fix', 'tests',
                'tools'},
}

#: package of others -> where it may be imported
PLACES = {
    'glance': ('glance_progress/api/', 'glance_progress/leftovers/',
               'glance_progress/locations/policy.py'),
    'glance_store': ('glance_progress/driver/',
                     'glance_progress/api/stores.py',
                     'glance_progress/leftovers/service.py'),
    'nova': ('nova_snapshot_fix/',),
    'prometheus_client': ('glance_progress/metrics/',),
    'rados': ('glance_progress/ceph/', 'glance_progress/driver/'),
    'rbd': ('glance_progress/ceph/', 'glance_progress/driver/'),
}

#: The rooms of glance_progress, those of a line above those of the lines
#: before it, as doc/source/contributor/layout.rst draws them.
ROOMS = (
    {'process', 'section', 'warning'},
    {'foreign'},
    {'records'},
    {'answer', 'ceph', 'cli', 'client'},
    {'driver'},
    {'imports', 'leftovers', 'locations', 'metrics', 'upload'},
    {'fixture', 'opts'},
    {'api', 'cmd', 'osc'},
)


def sources(package):
    """Return the paths of a package's modules, from the top of the tree."""
    return [path.relative_to(TOP)
            for path in sorted((TOP / package).rglob('*.py'))]


def imported(path):
    """Return the dotted names that a module imports, wherever in it."""
    return names(ast.parse((TOP / path).read_text()))


def names(tree):
    """Return the dotted names that a syntax tree imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError('line %d: a relative import' % node.lineno)
            found.update('%s.%s' % (node.module, alias.name)
                         for alias in node.names)
    return found


def packages(path):
    """Return the first parts of the names that a module imports."""
    return {name.partition('.')[0] for name in imported(path)}


class LayoutTest(testtools.TestCase):

    def test_every_import_is_found(self):
        self.assertEqual({'a.b', 'c.d', 'e'}, names(ast.parse(
            'import a.b\nfrom c import d\ndef f():\n    import e as g\n')))
        self.assertRaises(ValueError, names, ast.parse('from . import a'))

    def test_strangers(self):
        for package, strangers in STRANGERS.items():
            paths = sources(package)
            self.assertNotEqual([], paths)
            for path in paths:
                self.assertEqual(
                    set(), packages(path) & strangers, str(path))

    def test_others_are_imported_in_their_places(self):
        for package in PACKAGES:
            for path in sources(package):
                for name in packages(path) & set(PLACES):
                    self.assertTrue(
                        str(path).startswith(PLACES[name]),
                        '%s imports %s' % (path, name))

    def test_rooms(self):
        """Each imports its own, and what stands below it."""
        below = set()
        for rooms in ROOMS:
            for room in rooms:
                self._check_room(room, below)
            below |= rooms

    def _check_room(self, room, below):
        own = 'glance_progress'
        for path in sources(own):
            if path.with_suffix('').parts[1] != room:
                continue
            known = {name.split('.')[1] for name in imported(path)
                     if name.startswith(own + '.')}
            self.assertEqual(set(), known - below - {room}, str(path))

    def test_every_module_is_in_a_room(self):
        rooms = {path.with_suffix('').parts[1]
                 for path in sources('glance_progress')}
        self.assertEqual(set().union(*ROOMS), rooms - {'__init__'})
