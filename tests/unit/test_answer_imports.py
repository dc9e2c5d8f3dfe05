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
"""Steps of imports, what is waited for, and locks, as the API tells them."""

import dataclasses
import socket

from glance_progress.answer import database
from glance_progress.answer import reconcile
from glance_progress import process
from glance_progress.records import wire
from tests.unit import answer_base
from tests.unit import base

STAGING = wire.STAGING_STORE
NOW = answer_base.NOW
LATER = answer_base.LATER
LOCK = answer_base.LOCK


def an_image(status='importing', targets='a', lock=LOCK, **fields):
    fields.setdefault('importing', lock is not None)
    return dataclasses.replace(answer_base.an_image(
        status, targets=targets, **fields), lock=lock)


def a_step(phase=wire.CONVERTING, **fields):
    return base.a_record(**{
        'store': STAGING, 'phase': phase, 'total_bytes': None,
        'position': 0.25, 'request_id': answer_base.REQUEST, **fields})


class TestCase(answer_base.TestCase):

    def assert_waits(self, what, since, answered):
        self.assertEqual(
            (what, since, None if since is None else wire.iso(since)),
            tuple(answered[name] for name in (
                'waiting_for', 'waiting_since', 'waiting_since_iso')))


class TestSteps(TestCase):

    def test_phases(self):
        for phase in wire.DECOMPRESSING, wire.CONVERTING, wire.VERIFYING:
            for status in 'importing', 'active':
                answered = answer_base.describe(
                    an_image(status), a_step(phase))
                self.assert_phase(phase, 25.0, answered)
                self.assert_waits(None, None, answered)

    def test_a_phase_of_a_later_version(self):
        self.assert_phase('staging', 25.0, answer_base.describe(
            an_image(), a_step('polishing')))

    def test_size_of_the_image_is_no_total(self):
        # It is that of what is staged, and not of what that becomes.
        answered = answer_base.describe(
            an_image(size=300), a_step(bytes_written=900))
        self.assert_phase('converting', 25.0, answered)
        store, = (each for each in answered['stores']
                  if each['store'] == STAGING)
        self.assertEqual((900, None), (
            store['bytes_written'], store['total_bytes']))

    def test_after_it(self):
        self.assert_phase('import', 0.0, answer_base.describe(
            an_image(), answer_base.staged()))


class TestReasons(TestCase):

    def failed(self, **fields):
        return a_step(**{'phase': None, 'state': wire.FAILED,
                         'failure': 'No such source.', **fields})

    def test_reason(self):
        image = an_image('queued', targets='', failed='ab', lock=None)
        answered = answer_base.describe(image, self.failed())
        self.assert_phase('failed', None, answered)
        for store in 'a', 'b':
            self.assert_failure('No such source.', store, answered)
        self.assertEqual(
            'No such source.', answered['last_failure']['failure'])

    def test_a_store_that_says_more(self):
        image = an_image('queued', targets='', failed='ab', lock=None)
        answered = answer_base.describe(
            image, self.failed(sequence=0), answer_base.a_record(
                'b', state=wire.FAILED, failure='No room.'))
        self.assert_failure('No such source.', 'a', answered)
        self.assert_failure('No room.', 'b', answered)

    def test_a_store_that_had_finished(self):
        image = an_image('queued', targets='', failed='a', lock=None)
        answered = answer_base.describe(
            image, self.failed(sequence=0), answer_base.finished('a'))
        self.assert_failure('No such source.', 'a', answered)
        self.assertEqual(('a', 'No such source.'), tuple(
            answered['last_failure'][name] for name in ('store', 'failure')))

    def test_staged_well(self):
        image = an_image('queued', targets='', failed='a', lock=None)
        self.assert_failure(
            reconcile.IMPORT_FAILED, 'a',
            answer_base.describe(image, answer_base.staged()))

    def test_lock_that_is_kept(self):
        image = an_image('queued', targets='', failed='a')
        self.assert_phase('failed', None, answer_base.describe(
            image, self.failed()))
        # Of the import before
        self.assert_phase('import', None, answer_base.describe(
            image, self.failed(request_id='req-1')))
        # Nobody knows, but by the time.
        for since, phase in (1010.0, 'failed'), (1010.5, 'import'):
            for known, request_id in (None, 'req-1'), (
                    answer_base.REQUEST, None):
                lock = dataclasses.replace(
                    LOCK, since=since, request_id=known)
                self.assert_phase(phase, None, answer_base.describe(
                    dataclasses.replace(image, lock=lock),
                    self.failed(request_id=request_id)))


class TestWaits(TestCase):

    def test_source(self):
        for status in 'importing', 'queued', 'active':
            self.assert_waits('source', 1000.0, answer_base.describe(
                an_image(status), a_step(
                    wire.STAGING, bytes_written=0, position=None)))
        self.assert_waits(None, None, answer_base.describe(
            an_image(), a_step(wire.STAGING)))

    def test_data_of_which_nobody_has_begun_to_send_any(self):
        image = an_image('queued', targets='', lock=None)
        self.assert_waits('data', None, answer_base.describe(image))
        image = dataclasses.replace(image, created_at=900.0)
        self.assert_waits('data', 900.0, answer_base.describe(image))

    def test_nobody_knows_since_when(self):
        """A store of which the database alone knows is no record."""
        image = an_image('saving', targets='', lock=None, stores='b')
        self.assert_waits('data', 1000.0, answer_base.describe(
            image, answer_base.a_record(bytes_written=0)))
        image = an_image('uploading', targets='', lock=None, size=1000,
                         stores='b')
        self.assert_waits('import', 1010.0, answer_base.describe(
            image, answer_base.staged()))

    def test_data_to_be_staged(self):
        image = an_image('uploading', targets='', lock=None)
        self.assert_waits('data', 1000.0, answer_base.describe(
            image, a_step(None, bytes_written=0, position=None)))
        self.assert_waits(None, None, answer_base.describe(
            image, a_step(None, position=None)))

    def test_data_of_an_upload(self):
        image = an_image('saving', targets='', lock=None)
        self.assert_waits('data', 1000.0, answer_base.describe(
            image, answer_base.a_record(bytes_written=0)))
        self.assert_waits(None, None, answer_base.describe(
            image, answer_base.a_record()))
        self.assert_waits(None, None, answer_base.describe(image))
        self.assert_waits(None, None, answer_base.describe(
            image, answer_base.a_record(state=wire.FAILED, bytes_written=0)))

    def test_import(self):
        image = an_image('uploading', targets='', lock=None, size=1000)
        self.assert_waits('import', 1010.0, answer_base.describe(
            image, answer_base.staged()))
        self.assert_waits('import', None, answer_base.describe(image))

    def test_worker(self):
        pending = dataclasses.replace(LOCK, status='pending')
        self.assert_waits('worker', 1000.0, answer_base.describe(
            an_image('uploading', targets='', lock=pending, size=1000),
            answer_base.staged()))


class TestLock(TestCase):

    def lock(self, *records, image=None, now=LATER):
        return answer_base.describe(
            image or an_image(), *records, now=now)['import_lock']

    def own(self, **fields):
        return a_step(**{'host': socket.gethostname(),
                         'worker': process.identity(), **fields})

    def test_none(self):
        self.assertIsNone(self.lock(image=an_image(lock=None)))

    def test_times(self):
        self.assertEqual({
            'since': 1000.0, 'since_iso': '1970-01-01T00:16:40Z',
            'last_sign_of_life': 1010.0,
            'last_sign_of_life_iso': '1970-01-01T00:16:50Z',
            'worker_gone': None, 'free_at': None, 'free_at_iso': None,
        }, self.lock(a_step()))

    def test_when_it_is_free(self):
        pending = dataclasses.replace(LOCK, status='pending')
        for status, lock, expected in (
                ('active', LOCK, 4600.0), ('queued', LOCK, 4600.0),
                ('uploading', pending, 8200.0), ('importing', LOCK, None),
                ('active', database.Lock(), 0.0)):
            told = self.lock(image=an_image(status, lock=lock))
            self.assertEqual(
                (expected, expected if expected is None
                 else wire.iso(expected)),
                (told['free_at'], told['free_at_iso']))

    def gone(self, *records, **kwargs):
        return self.lock(*records, **kwargs)['worker_gone']

    def test_worker(self):
        dead = self.own(worker='another boot/1/1/1')
        self.assertIs(False, self.gone(self.own()))
        self.assertIs(True, self.gone(dead))
        # It has just moved.
        self.assertIs(False, self.gone(dead, now=NOW))

    def test_who_may_not_tell(self):
        dead = self.own(worker='another boot/1/1/1')
        for record in (
                dataclasses.replace(dead, host='another'),
                dataclasses.replace(dead, worker=None),
                # of an upload before, even if it was a moment ago
                dataclasses.replace(dead, request_id='req-1'),
                # or of an import before, of the same request
                dataclasses.replace(dead, started_at=900.0)):
            self.assertIsNone(self.gone(record))
        # Another host has gone on.
        self.assertIsNone(self.gone(dead, answer_base.a_record(
            host='another', updated_at=1011.0,
            request_id=answer_base.REQUEST)))
