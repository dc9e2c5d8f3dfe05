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

import gc
import io
import weakref

from glance_store import exceptions

from glance_progress.driver import failure
from glance_progress.driver import upload
from glance_progress import process
from glance_progress.records import publisher
from glance_progress.records import wire
from glance_progress import warning
from tests.unit import base


class Publisher:
    """Stands in for publisher.Publisher and records what it is given."""

    def __init__(self):
        self.posted = []
        self.waits = []

    def post(self, one, urgent=False):
        self.posted.append((one, urgent))

    def wait(self, key, timeout):
        self.waits.append((key, timeout))

    @property
    def steps(self):
        return [(one.state, one.bytes_written, one.total_bytes, urgent)
                for one, urgent in self.posted]


def broken(*args, **kwargs):
    raise ZeroDivisionError('of ours')


class Context:
    """Of a request."""

    def __init__(self, request_id):
        self.request_id = request_id


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.patch('glance_progress.driver.upload._STEP', 1)
        self.publisher = Publisher()
        self.patch('glance_progress.records.publisher.get',
                   lambda conf: self.publisher)
        self.patch('glance_progress.driver.upload._fault',
                   warning.Hourly(upload.LOG))
        self.clock = self.useFixture(
            base.Clock('glance_progress.driver.upload'))
        self.patch('glance_progress.driver.ending.watch', lambda tell: None)

    def upload(self, size=5, conf=None, **kwargs):
        return upload.Upload(conf, base.IMAGE, 'ceph', size, **kwargs)


class TestMemory(TestCase):

    def test_nothing_is_left_of_what_has_ended(self):
        """Neither the data nor the request, as soon as they are let go."""
        class Reader(io.BytesIO):
            """Holds the request, as the one of an import does."""

        for end in ('finished', 'failed', None):
            context = Context('req-1')
            reader = Reader(b'12345')
            reader.context = context
            with upload.of_request():
                attempt = self.upload(context=context)
            metered = attempt.metered(reader)
            metered.read()
            if end == 'finished':
                attempt.finished(5)
            elif end == 'failed':
                attempt.failed(OSError())
            gone = [weakref.ref(each) for each in (
                context, reader, attempt, metered)]
            gc.disable()
            self.addCleanup(gc.enable)
            del context, reader, metered, attempt
            self.assertEqual([None] * 4, [each() for each in gone])
            gc.enable()

    def test_a_size_that_no_image_has(self):
        """Clients may announce anything; readers would not take it."""
        for size in (-5, 0, None, 2 ** 53, 2 ** 63):
            self.upload(size)
            self.assertIsNone(self.publisher.posted[-1][0].total_bytes)
        self.assertEqual('', self.log.output)

    def test_without_context(self):
        self.upload()
        self.assertEqual('', self.log.output)

    def test_more_was_written_than_is_said(self):
        """What is shown never falls."""
        attempt = self.upload()
        attempt.written(2 * 1024 * 1024)
        attempt.finished(5)
        self.assertEqual(('finished', 2 * 1024 * 1024, 2 * 1024 * 1024, True),
                         self.publisher.steps[-1])


class TestUpload(TestCase):

    def test_first_record(self):
        self.patch('socket.gethostname', lambda: 'controller')
        self.clock.now = 1234.56789
        self.patch('glance_progress.records.publisher.next_sequence',
                   lambda: 1234567890000)
        self.upload(context=Context('req-1'))
        self.assertEqual(
            [(wire.Record(
                image_id=base.IMAGE, store='ceph', state='uploading',
                bytes_written=0, total_bytes=5, started_at=1234.568,
                updated_at=1234.568, sequence=1234567890000,
                request_id='req-1', host='controller',
                worker=process.identity()), True)],
            self.publisher.posted)

    def test_success(self):
        attempt = self.upload()
        metered = attempt.metered(io.BytesIO(b'12345'))
        while metered.read(2):
            pass
        attempt.finished(5)
        self.assertEqual(
            [('uploading', 0, 5, True), ('uploading', 2, 5, False),
             ('uploading', 4, 5, False), ('uploading', 5, 5, False),
             ('finished', 5, 5, True)], self.publisher.steps)

    def test_small_steps_are_not_told_one_by_one(self):
        self.patch('glance_progress.driver.upload._STEP', 3)
        attempt = self.upload(10)
        for size in (1, 2, 3, 4, 5, 6, 7):
            attempt.written(size)
        attempt.failed(OSError())
        self.assertEqual(
            [('uploading', 0, 10, True), ('uploading', 3, 10, False),
             ('uploading', 6, 10, False), ('failed', 7, 10, True)],
            self.publisher.steps)

    def test_unknown_size(self):
        for size in (0, None):
            self.publisher.posted.clear()
            attempt = self.upload(size)
            attempt.written(3)
            attempt.finished(7)
            self.assertEqual(
                [('uploading', 0, None, True), ('uploading', 3, None, False),
                 ('finished', 7, 7, True)], self.publisher.steps)

    def test_an_empty_image(self):
        self.upload(0).finished(0)
        self.assertEqual(('finished', 0, 0, True), self.publisher.steps[-1])

    def test_failure_of_the_store(self):
        attempt = self.upload()
        attempt.metered(io.BytesIO(b'12345')).read()
        attempt.written(2)
        attempt.failed(exceptions.StorageFull())
        self.assertEqual(('failed', 2, 5, True), self.publisher.steps[-1])
        self.assertIn('no room left', self.publisher.posted[-1][0].failure)

    def test_failure_of_the_source(self):
        attempt = self.upload()
        source = io.BytesIO(b'12345')
        metered = attempt.metered(source)
        source.close()
        exc = self.assertRaises(ValueError, metered.read, 2)
        attempt.failed(exc)
        self.assertEqual(
            failure.SOURCE, self.publisher.posted[-1][0].failure)

    def test_failure_before_anything_is_read(self):
        self.upload().failed(OSError())
        self.assertEqual(
            failure.UNKNOWN, self.publisher.posted[-1][0].failure)

    def test_bytes_never_fall(self):
        attempt = self.upload()
        attempt.written(3)
        attempt.written(2)
        self.assertEqual(('uploading', 3, 5, False), self.publisher.steps[-1])

    def test_bytes_never_pass_the_total(self):
        attempt = self.upload()
        attempt.written(6)
        self.assertEqual(('uploading', 5, 5, False), self.publisher.steps[-1])

    def test_time(self):
        attempt = self.upload()
        self.clock.now += 1.23456
        attempt.written(3)
        one = self.publisher.posted[-1][0]
        self.assertEqual((1000000.0, 1000001.235),
                         (one.started_at, one.updated_at))

    def test_clock_set_back(self):
        attempt = self.upload()
        self.clock.now -= 3600
        attempt.written(3)
        self.assertEqual(
            1000000.0, self.publisher.posted[-1][0].updated_at)

    def test_all_records_of_an_attempt_belong_together(self):
        attempt = self.upload()
        self.clock.now += 1
        attempt.finished(5)
        first, last = (one for one, _ in self.publisher.posted)
        self.assertEqual(first.sequence, last.sequence)
        self.clock.now += 1
        self.upload()
        self.assertLess(last.order, self.publisher.posted[-1][0].order)


class TestReceived(TestCase):
    """What has come is a sign of life, where nothing is written."""

    def setUp(self):
        super().setUp()
        self.attempt = self.upload(100)

    def received(self, size, passed=1):
        self.clock.now += passed
        self.attempt.received(size)
        last = self.publisher.posted[-1][0]
        return last.bytes_written, last.bytes_received, last.updated_at

    def test_slow_sender(self):
        self.assertEqual((0, 10, 1000001), self.received(10))
        self.assertEqual((0, 20, 1000002), self.received(20))
        self.attempt.written(20)
        self.assertEqual((20, 30, 1000003), self.received(30))

    def test_says_no_more_than_what_is_written(self):
        self.attempt.received(20)
        self.attempt.written(20)
        self.assertIsNone(self.publisher.posted[-1][0].bytes_received)
        self.assertNotIn(
            b'bytes_received', self.publisher.posted[-1][0].to_json())

    def test_never_more_than_the_total(self):
        self.assertEqual((0, 100, 1000001), self.received(101))

    def test_small_reads_are_not_told_one_by_one(self):
        for size in range(1, 9):
            self.received(size, passed=0.1)
        self.assertEqual(2, len(self.publisher.posted))

    def test_end(self):
        self.received(10)
        self.attempt.finished(100)
        self.assertIsNone(self.publisher.posted[-1][0].bytes_received)


class TestCutOff(TestCase):

    def test_those_that_have_not_ended(self):
        going_on, ended, failed = (self.upload() for _ in range(3))
        going_on.written(3)
        ended.finished(5)
        failed.failed(OSError())
        self.publisher.posted.clear()
        upload.cut_off()
        (last, urgent), = self.publisher.posted
        self.assertEqual(
            ('failed', failure.ENDED, 3, True),
            (last.state, last.failure, last.bytes_written, urgent))

    def test_it_is_the_last_word(self):
        attempt = self.upload()
        upload.cut_off()
        last = self.publisher.posted[-1]
        attempt.written(5)
        attempt.finished(5)
        attempt.failed(OSError())
        attempt.refused('no such signature')
        self.assertIs(last, self.publisher.posted[-1])


class TestNeverBegun(TestCase):

    def test_record(self):
        upload.never_begun(None, base.IMAGE, 'ceph', 5, Context('req-1'),
                           'No room.', 'saving')
        (last, urgent), = self.publisher.posted
        self.assertEqual(
            ('failed', 'No room.', 0, 5, 'req-1', 'saving', True), (
                last.state, last.failure, last.bytes_written,
                last.total_bytes, last.request_id, last.left_in, urgent))


class TestFirstWait(TestCase):

    def wait(self, passed):
        attempt = self.upload()
        self.clock.now += passed
        attempt.written(0)

    def test_no_longer_than_what_is_left(self):
        self.wait(passed=0.03)
        (key, timeout), = self.publisher.waits
        self.assertEqual(base.a_record().key, key)
        self.assertAlmostEqual(0.02, timeout, 3)

    def test_nothing_is_left(self):
        self.wait(passed=0.06)
        self.assertEqual([], self.publisher.waits)

    def test_is_no_news(self):
        self.wait(passed=0)
        self.assertEqual(1, len(self.publisher.posted))


class TestRefused(TestCase):

    def test_finished(self):
        with upload.of_request() as uploads:
            attempt = self.upload()
            attempt.finished(5)
        self.assertEqual([attempt], uploads)
        self.clock.now += 1
        attempt.refused('no such signature', 'saving')
        last, urgent = self.publisher.posted[-1]
        self.assertEqual(
            ('failed', 'no such signature', 'saving', 5, self.clock.now),
            (last.state, last.failure, last.left_in, last.bytes_written,
             last.updated_at))
        self.assertTrue(urgent)

    def test_failed_already(self):
        attempt = self.upload()
        attempt.failed(OSError())
        last = self.publisher.posted[-1]
        attempt.refused('no such signature')
        self.assertIs(last, self.publisher.posted[-1])

    def test_of_other_requests(self):
        self.upload()
        with upload.of_request() as uploads:
            self.in_thread(self.upload)()
            with upload.of_request() as inner:
                attempt = self.upload()
        self.upload()
        self.assertEqual(([], [attempt]), (uploads, inner))


class TestFaults(TestCase):
    """Whatever fails in here, the upload goes on and it is logged once."""

    def assert_upload_goes_on(self, **kwargs):
        attempt = self.upload(**kwargs)
        metered = attempt.metered(io.BytesIO(b'12345'))
        self.assertEqual(b'12345', metered.read(9))
        self.assertEqual(b'', metered.read(9))
        attempt.finished(5)
        self.upload(**kwargs).failed(OSError())
        self.assertEqual(1, self.log.output.count('Said once'))
        self.assertIn('Traceback', self.log.output)

    def test_no_publisher(self):
        self.patch('glance_progress.records.publisher.get', broken)
        self.assert_upload_goes_on()

    def test_post(self):
        self.publisher.post = broken
        self.assert_upload_goes_on()

    def test_wait(self):
        self.publisher.wait = broken
        self.assert_upload_goes_on()

    def test_a_record_that_is_too_long(self):
        self.assert_upload_goes_on(context=Context('x' * 5000))
        self.assertEqual([], self.publisher.posted)

    def test_a_size_that_is_none(self):
        self.assert_upload_goes_on(size='5')

    def test_a_wrong_option(self):
        self.patch('glance_progress.records.publisher.get',
                   publisher._from_conf)
        self.assert_upload_goes_on(
            conf=self.config('[glance_progress]\nupdate_interval = often'))
