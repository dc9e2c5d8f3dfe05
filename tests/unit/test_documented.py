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

"""What users have written down stays: names that the documentation gives."""

from importlib import metadata
import os
import pathlib
import pkgutil
import re

from glance_progress.cli import outcome
from glance_progress import opts
from glance_progress.records import wire
from glance_progress import section
from tests.unit import base

TOP = pathlib.Path(__file__).resolve().parents[2]

# The guide of contributors names files, and what is internal.
PAGES = {path: path.read_text() for path in (
    TOP / 'README.rst', *(TOP / 'doc' / 'source').rglob('*.rst'))
    if 'contributor' not in path.parts}


def found(pattern):
    return {name for text in PAGES.values()
            for name in re.findall(pattern, text)}


class TestDocumented(base.TestCase):

    def test_names_of_python(self):
        names = found(r'\b(glance_progress(?:\.\w+)+(?::[\w.]+)?)')
        self.assertLessEqual(
            {'glance_progress.api:API.factory', 'glance_progress.client'},
            names)
        for name in names:
            pkgutil.resolve_name(name)

    def test_name_of_novas_router(self):
        """Its module needs Nova; see tests.nova.base."""
        self.assertEqual(
            {'nova_snapshot_fix.api:APIRouterV21.factory'},
            found(r'\bnova_snapshot_fix\.api:[\w.]+'))

    def test_commands(self):
        entry_points = metadata.distribution('glance-progress').entry_points
        commands = {entry.name for entry in entry_points
                    if entry.group == 'console_scripts'}
        for command in commands:
            self.assertNotEqual(set(), found(r'\b(%s) \w+' % command))
        plugin = {entry.name.replace('_', ' ') for entry in entry_points
                  if entry.group == 'openstack.image.v2'}
        self.assertEqual(
            plugin, found(r'openstack (image progress \w+)(?= )') & plugin)

    def test_type_of_the_store(self):
        self.assertIn('rbd_progress', {
            entry.name for entry in metadata.distribution(
                'glance-progress').entry_points
            if entry.group == 'glance_store.drivers'})

    def test_options(self):
        ours = {option.name for option in opts.OPTS}
        self.assertEqual('glance_progress', section.NAME)
        named = found(r'\[glance_progress\]\s+(\w+)')
        self.assertEqual({'progress_api'}, named - ours)  # of tempest.conf
        self.assertIn('location_check', named)

    def test_exit_statuses(self):
        for page, statuses in (
            ('glance-progress', (
                outcome.FINISHED, outcome.FAILED, outcome.STALLED,
                outcome.INTERRUPTED, outcome.UNUSABLE)),
            ('glance-progress-status', (0, 1, 2, outcome.UNUSABLE)),
            ('openstack-image-progress-upload', (
                outcome.FINISHED, outcome.FAILED, outcome.UNVERIFIED,
                outcome.INTERRUPTED, outcome.UNUSABLE)),
            ('openstack-image-progress', (
                outcome.FINISHED, outcome.FAILED, outcome.STALLED,
                outcome.INTERRUPTED, outcome.UNUSABLE)),
        ):
            text = PAGES[TOP / 'doc' / 'source' / 'cli' / (page + '.rst')]
            self.assertEqual(
                sorted(statuses),
                sorted(map(int, re.findall(r'(?m)^   \* - (\d+)$', text))))

    def test_keys_of_memcached(self):
        key, = found(r'glance_progress:<image_id>:<store>')
        self.assertEqual(
            key.replace('<image_id>', base.IMAGE).replace('<store>', 'ceph'),
            wire.key(base.IMAGE, 'ceph'))
        self.assertEqual(
            {base.IMAGE + '_total_size', base.IMAGE + '_uploading_size'},
            {name.replace('<image_id>', base.IMAGE)
             for name in found(r'<image_id>_\w+')})
        self.assertEqual(
            {base.IMAGE + '_total_size', base.IMAGE + '_uploading_size'},
            set(wire.legacy_values(base.a_record())))

    def test_variables_of_devstack(self):
        settings = (TOP / 'devstack' / 'settings').read_text()
        named = found(r'\bGLANCE_PROGRESS_[A-Z_]+')
        self.assertIn('GLANCE_PROGRESS_APPLY_PATCHES', named)
        for name in named - {'GLANCE_PROGRESS_HOME'}:
            self.assertIn(name, settings)

    def test_scripts(self):
        scripts = found(r'\btools/run-\w+\.sh|patches/apply\.py')
        self.assertIn('tools/run-demo.sh', scripts)
        for script in scripts:
            self.assertTrue(os.access(TOP / script, os.X_OK), script)
