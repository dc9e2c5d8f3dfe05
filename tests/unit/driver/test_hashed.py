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

from glance_progress.driver import hashed
from glance_progress import fixture
from glance_progress.records import memcached
from glance_progress.records import reader
from glance_progress.records import wire
from tests.unit import base


class Context:
    request_id = 'req-1'


class HashedTest(base.TestCase):

    def setUp(self):
        super().setUp()
        server = self.useFixture(base.Server())
        self.process = self.useFixture(fixture.Process())
        self.conf = self.config(
            '[glance_progress]\nmemcached_servers = ' + server.address)

    def record(self):
        self.assertTrue(self.process.flush(base.PATIENCE))
        return (reader.Reader(memcached.from_conf(self.conf)).read(
            [base.IMAGE], [wire.HASHED]) or {}).get(
                (base.IMAGE, wire.HASHED))

    def metered(self, data, context):
        return hashed.metered(self.conf, base.IMAGE, data, 6, context)

    def test_what_glance_hashes(self):
        context = Context()
        hashed.expect(context)
        chunks = iter(self.metered([b'abc', b'def'], context))
        self.assertEqual(b'abc', next(chunks))
        self.assertEqual([b'def'], list(chunks))
        record = self.record()
        self.assertEqual(
            (wire.FINISHED, 6, 6, 'req-1'),
            (record.state, record.bytes_written, record.total_bytes,
             record.request_id))

    def test_what_others_read(self):
        data = [b'abc', b'def']
        hashed.expect(Context())
        for context in (Context(), None):
            self.assertIs(data, self.metered(data, context))
        self.assertIsNone(self.record())

    def test_reading_fails(self):
        def failing():
            yield b'abc'
            raise OSError('rbd')

        context = Context()
        hashed.expect(context)
        self.assertRaises(OSError, list, self.metered(failing(), context))
        record = self.record()
        self.assertEqual((wire.FAILED, 3),
                         (record.state, record.bytes_written))

    def test_contexts_are_let_go(self):
        before = len(hashed._contexts)
        context = Context()
        hashed.expect(context)
        del context
        self.assertEqual(before, len(hashed._contexts))
