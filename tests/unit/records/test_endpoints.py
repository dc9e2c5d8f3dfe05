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

from glance_progress.records import endpoints
from tests.unit import base


class TestParse(base.TestCase):

    def test_spellings(self):
        for text, taken in (
            ('a', 'a'), ('b:1', 'b:1'), (' c:1 ', 'c:1'),
            ('192.0.2.1:65535', '192.0.2.1:65535'),
            ('[2001:db8::1]:11211', '[2001:db8::1]:11211'), ('[::1]', '[::1]'),
            ('[fe80::1%eth0]:1', '[fe80::1%eth0]:1'),
            ('unix:/run/m.sock', 'unix:/run/m.sock'),
            ('/run/n.sock', '/run/n.sock'),
            # python-memcached's
            ('inet:a', 'a'), ('inet:a:1', 'a:1'), ('inet6:[::1]', '[::1]'),
            ('inet6:[2001:db8::1]:11211', '[2001:db8::1]:11211'),
        ):
            self.assertEqual(taken, endpoints.parse(text), text)

    def test_wrong_spellings(self):
        for wrong in (
            '', ':1', 'a:', 'a:0', 'a:65536', 'a:-1', 'a:x', '[]:1', 'a b:1',
            'http://a:1', 'u@a:1', 'unix:relative', 'a:1;b:2', 'inet:',
            'inet:inet:a', 'tcp:a',
            # no telling where the address ends
            '::1', '2001:db8::1:11211', 'inet6:::1', '[::1',
        ):
            exc = self.assertRaises(ValueError, endpoints.parse, wrong)
            self.assertIn(repr(wrong), str(exc))
