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
import threading

import fixtures

from glance_progress.driver import staging
from glance_progress.driver import upload
from glance_progress import fixture
from glance_progress.imports import files
from glance_progress.imports import flow
from glance_progress.imports import reasons
from glance_progress.imports import told
from glance_progress.records import memcached
from glance_progress.records import reader
from glance_progress.records import wire
from tests.unit import base


class Context:
    request_id = 'req-1'


class GlanceTask:
    """A task as Glance's database has it."""

    type = 'api_image_import'
    task_input = {'image_id': base.IMAGE}


class Step:
    """A task of taskflow's."""

    def __init__(self, does):
        self.does = does

    def execute(self, **kwargs):
        return self.does(**kwargs)


def a_step(name, does, module='glance.async_.flows.any'):
    return type(name, (Step,), {'__module__': module})(does)


class Executor:
    context = Context()

    def __init__(self, made):
        self.made = made

    def _get_flow(self, task):
        if isinstance(self.made, Exception):
            raise self.made
        return self.made


class Gateway:

    def __init__(self, executor):
        self.executor = executor

    def get_task_executor_factory(self, *args, **kwargs):
        return self

    def new_task_executor(self, *args, **kwargs):
        return self.executor


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        server = self.useFixture(base.Server())
        self.process = self.useFixture(fixture.Process())
        self.conf = self.config(
            '[glance_progress]\nupdate_interval = 0.1\n'
            'memcached_servers = ' + server.address)
        self.patch('oslo_config.cfg.CONF', self.conf)
        self.staged = str(self.useFixture(
            fixtures.TempDir()).join('image'))
        with open(self.staged, 'wb') as staged:
            staged.write(bytes(1000))

    def record(self, store=wire.STAGING_STORE):
        self.assertTrue(self.process.flush(base.PATIENCE))
        return (reader.Reader(memcached.from_conf(self.conf)).read(
            [base.IMAGE], [store]) or {}).get((base.IMAGE, store))

    def made(self, made, task=None):
        """Return the flow that an executor makes for a task."""
        factory = flow.Gateway(Gateway(Executor(made)))
        executor = factory.get_task_executor_factory(
            Context()).new_task_executor(Context())
        return executor._get_flow(task or GlanceTask())

    def marked(self, name, does, **kwargs):
        step = a_step(name, does, **kwargs)
        self.assertEqual([[step]], self.made([[step]]))
        return step

    def assert_failed(self, reason):
        record = self.record()
        self.assertEqual((wire.FAILED, reason),
                         (record.state, record.failure))

    def fail(self, exc):
        raise exc


class FlowTest(TestCase):

    def test_others_stay_as_they_are(self):
        for name, module in (('_ImageLock', 'glance.async_'),
                             ('_WebDownload', 'elsewhere')):
            step = self.marked(name, lambda: 1, module=module)
            self.assertEqual(['does'], list(vars(step)))

    def test_what_the_gateway_has(self):
        gateway = Gateway(None)
        self.assertIsNone(flow.Gateway(gateway).executor)

    def test_another_executor(self):
        executor = object()
        factory = flow.Gateway(Gateway(executor)).get_task_executor_factory()
        self.assertIs(executor, factory.new_task_executor())
        self.assertIn('do not tell', self.log.output)

    def test_another_flow(self):
        made = [5]
        self.assertIs(made, self.made(made))
        self.assertIn('does not tell', self.log.output)

    def test_another_kind_of_task(self):
        task = GlanceTask()
        task.type = 'location_import'
        step = a_step('_WebDownload', lambda: 1)
        self.made([step], task)
        self.assertEqual(['does'], list(vars(step)))

    def test_refused(self):
        quota = type('LimitExceeded', (Exception,),
                     {'__module__': 'glance.common.exception'})()
        error = ValueError('secret')
        error.__context__ = quota
        self.assertRaises(ValueError, self.made, error)
        self.assert_failed('The image exceeds the quota.')

    def test_tells_nothing_of_what_it_does_not_know(self):
        self.assertRaises(ValueError, self.made, ValueError())
        self.assertIsNone(self.record())


class StepsTest(TestCase):

    def test_source_that_is_asked(self):
        def download():
            self.seen = self.record()
            return 'file://' + self.staged
        step = self.marked('_WebDownload', download)
        self.assertEqual('file://' + self.staged, step.execute())
        self.assertEqual(
            (wire.UPLOADING, wire.STAGING, 0, None, 'req-1'),
            (self.seen.state, self.seen.phase, self.seen.bytes_written,
             self.seen.total_bytes, self.seen.request_id))
        self.assertIsNotNone(self.seen.worker)
        # No store has told.
        record = self.record()
        self.assertEqual((wire.FINISHED, 1000),
                         (record.state, record.total_bytes))

    def test_source_and_staging_area(self):
        def download(image_size):
            source = staging._source.get()
            self.assertEqual(image_size, source.total)
            source.begun = True
            upload.Upload(self.conf, base.IMAGE, wire.STAGING_STORE,
                          source.total).finished(image_size)
        step = self.marked('_DownloadGlanceImage', download)
        step.execute(image_size=500)
        self.assertIsNone(staging._source.get())
        self.assertEqual(500, self.record().total_bytes)

    def test_reasons(self):
        for name, reason in (
            ('_ImportMetadata', reasons.NO_HTTP),
            ('_WebDownload', reasons.NO_HTTP),
            ('_CopyImage', reasons.UNCOPIED),
            ('_DecompressImage', reasons.UNDECOMPRESSED),
            ('_ConvertImage', reasons.UNCONVERTED),
            ('_VerifyStagedImageSignatureTask', reasons.UNVERIFIED),
        ):
            step = self.marked(name, lambda **_: self.fail(ValueError('x')))
            self.assertRaises(ValueError, step.execute)
            self.assert_failed(reason)

    def test_short_source(self):
        def download():
            staging._source.get().begun = True
            upload.Upload(self.conf, base.IMAGE, wire.STAGING_STORE,
                          0).finished(10)
            raise invalid
        invalid = type('Invalid', (Exception,),
                       {'__module__': 'glance_store'})
        step = self.marked('_WebDownload', download)
        self.assertRaises(invalid, step.execute)
        self.assert_failed(reasons.SHORT)

    def test_fault_in_a_reason(self):
        self.patch('glance_progress.imports.reasons.of_source', None)
        step = self.marked(
            '_ImportMetadata', lambda: self.fail(ValueError('theirs')))
        self.assertEqual('theirs', str(
            self.assertRaises(ValueError, step.execute)))
        self.assertIn('does not tell why', self.log.output)

    def refuse(self, uploaded):
        different = type('UploadException', (Exception,),
                         {'__module__': 'glance.common.exception'})

        class Action:
            status = 'importing'

            def set_image_data(own, uri):
                if uploaded:
                    upload.Upload(self.conf, base.IMAGE, 'ceph',
                                  5).finished(5)
                raise different()

        def execute(self, action, uri):
            assert action.status == 'importing'
            action.set_image_data(uri)

        step = type('_ImportToStore', (), {
            '__module__': 'glance.async_', '_execute': execute,
            'execute': lambda own: own._execute(Action(), 'uri')})()
        self.made([step])
        self.assertRaises(different, step.execute)

    def test_what_glance_refuses_of_a_store(self):
        self.refuse(uploaded=True)
        record = self.record('ceph')
        self.assertEqual((wire.FAILED, reasons.DIFFERENT),
                         (record.state, record.failure))
        self.assertIsNone(self.record())

    def test_what_glance_refuses_before(self):
        self.refuse(uploaded=False)
        self.assert_failed(reasons.DIFFERENT)


class WatchedTest(TestCase):

    def setUp(self):
        super().setUp()
        self.telling = told.Import(self.conf, base.IMAGE, Context())
        self.looks = []
        self.looked = threading.Event()

    def look(self):
        self.looked.set()
        return self.looks.pop(0) if self.looks else None

    def wait(self, **fields):
        self.assertTrue(self.wait_until(lambda: self.record() and all(
            getattr(self.record(), name) == value
            for name, value in fields.items())))
        return self.record()

    def wait_until(self, holds):
        for _ in range(base.PATIENCE * 10):
            if holds():
                return True
            threading.Event().wait(0.1)
        return False

    def test_phase(self):
        self.looks = [None, files.Look(0, None, 0.0),
                      files.Look(70, None, 0.5), files.Look(60, None, 0.75)]
        with self.telling.watched(wire.CONVERTING, self.look) as seen:
            record = self.wait(bytes_written=70, position=0.75)
            self.assertTrue(seen())
        self.assertEqual(
            (wire.UPLOADING, wire.CONVERTING, 75.0),
            (record.state, record.phase, record.percent))
        self.assertGreater(record.pace, 0)
        first = record.sequence
        self.telling.finished(100)
        record = self.wait(state=wire.FINISHED, bytes_written=100)
        # Another step, after something has come to a store
        upload.Upload(self.conf, base.IMAGE, 'ceph', 5).finished(5)
        self.looks = [files.Look(10, 100)]
        with self.telling.watched(wire.VERIFYING, self.look):
            record = self.wait(phase=wire.VERIFYING, percent=10.0)
        self.assertEqual(first, record.sequence)

    def test_step_that_does_nothing(self):
        with self.telling.watched(wire.CONVERTING, self.look) as seen:
            self.assertTrue(self.looked.wait(base.PATIENCE))
            self.assertFalse(seen())
        self.assertIsNone(self.record())

    def test_look_that_fails(self):
        with self.telling.watched(
                wire.CONVERTING, lambda: 1 / 0) as seen:
            self.assertTrue(self.wait_until(
                lambda: 'does not tell' in self.log.output))
            self.assertFalse(seen())

    def test_without_memcached(self):
        self.patch('glance_progress.records.publisher.get', None)
        self.telling.asking()
        self.telling.failed('No.')
        self.assertIn('does not tell', self.log.output)


class MarkTest(TestCase):

    def test_a_task_holds_itself_no_more_than_before(self):
        step = self.marked('_WebDownload', lambda: 1)
        self.assertNotIn(step, [
            each.cell_contents for each in step.execute.__closure__])
