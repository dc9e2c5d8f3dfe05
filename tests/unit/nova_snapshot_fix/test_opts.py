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


from importlib import metadata

from nova_snapshot_fix import opts
from tests.unit import base


class TestOpts(base.TestCase):

    def test_entry_point(self):
        entry, = [entry for entry in metadata.distribution(
            'glance-progress').entry_points
            if entry.group == 'oslo.config.opts'
            and entry.name == 'nova_snapshot_fix']
        self.assertEqual([('nova_snapshot_fix', opts.OPTS)], entry.load()())

    def test_values(self):
        for text, value in (('', 'image'),
                            ('base_of_snapshot = image', 'image'),
                            ('base_of_snapshot = origin', 'origin')):
            conf = self.config('[nova_snapshot_fix]\n' + text)
            opts.register(conf)
            opts.register(conf)
            self.assertEqual(value, conf.nova_snapshot_fix.base_of_snapshot)

    def test_wrong_value(self):
        conf = self.config('[nova_snapshot_fix]\nbase_of_snapshot = both\n')
        opts.register(conf)
        exc = self.assertRaises(
            ValueError, getattr, conf.nova_snapshot_fix, 'base_of_snapshot')
        self.assertIn('both', str(exc))
