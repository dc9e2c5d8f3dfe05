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
from glance_progress.answer import database
from glance_progress.osc import words
from glance_progress.records import wire
from tests.unit import base
from tests.unit import image_api

LOCK = database.Lock('processing', 1000.0, 1000.0)


def importing(*records, status='importing', **fields):
    return image_api.a_snapshot(
        status, records, importing=True, targets=frozenset(['ceph']),
        lock=LOCK, **fields)


def staging(**fields):
    return base.a_record(**{
        'store': wire.STAGING_STORE, 'bytes_written': 0, 'total_bytes': None,
        **fields})


class TestWords(base.TestCase):

    def test_state(self):
        for expected, snapshot in (
            ('saving', image_api.uploading()),
            ('active', image_api.finished()),
            ('importing', importing()),
            ('importing (converting)', importing(
                staging(phase=wire.CONVERTING))),
            ('active (verifying)', importing(
                staging(phase=wire.VERIFYING), status='active')),
            ('active (copying)', importing(status='active')),
            ('active (hashing)', image_api.a_snapshot(
                'active', importing=True, hashing=True)),
        ):
            self.assertEqual(expected, words.state(snapshot))

    def test_waiting(self):
        self.assertIsNone(words.waiting(image_api.uploading()))
        self.assertEqual('waiting for data since 1970-01-01 00:16:40 UTC',
                         words.waiting(image_api.uploading(0)))
        self.assertEqual(
            'waiting for the source since 1970-01-01 00:16:40 UTC',
            words.waiting(importing(staging())))
        self.assertEqual(
            'waiting for the import call', words.waiting(
                image_api.a_snapshot('uploading', size=5)))

    def test_other_servers(self):
        """An older one says nothing of it, and a newer one may say more."""
        self.assertIsNone(words.waiting({}))
        self.assertEqual('waiting for ?m', words.waiting(
            {'waiting_for': '\x9bm'}))
        self.assertEqual('', words.beside({}))

    def lock(self, **fields):
        return words.lock({**importing()['import_lock'], **fields})

    def test_lock(self):
        self.assertIsNone(words.lock(None))
        self.assertEqual(
            'its import has given no sign of life since '
            '1970-01-01T00:16:40Z, it takes no other import', self.lock())
        self.assertEqual(
            'the process that imported it has ended, another import can '
            'begin at 2026-01-01T10:00:00Z', self.lock(
                worker_gone=True, free_at_iso='2026-01-01T10:00:00Z'))

    def test_volume_snapshots(self):
        self.assertEqual(
            ', no data go to Glance, volume snapshots hold them',
            words.beside(image_api.a_snapshot(
                'active', size=0, volume_snapshots=('a',))))

    def test_beside(self):
        snapshot = importing(staging())
        silent = {**image_api.a_snapshot(), 'silent_since_iso':
                  '2026-11-29T10:00:00Z'}
        self.assertEqual(
            ', nothing is known of the upload since 2026-11-29 10:00:00 UTC',
            words.beside(silent))
        waits = ', waiting for the source since 1970-01-01 00:16:40 UTC'
        self.assertEqual(waits, words.beside(snapshot))
        snapshot['import_lock']['worker_gone'] = True
        self.assertEqual(
            waits + ', the process that imported it has ended, '
            'it takes no other import', words.beside(snapshot))
