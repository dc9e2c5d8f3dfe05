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

import pathlib
import threading

import fixtures
from keystoneauth1 import exceptions

from glance_progress.upload import cleanup
from glance_progress.upload import delivery
from glance_progress.upload import item
from glance_progress.upload import journal
from glance_progress.upload import maker
from glance_progress.upload import marks
from glance_progress.upload import patience
from glance_progress.upload import reading
from glance_progress.upload import sources
from glance_progress.upload import tasks
from glance_progress.upload import thinness
from glance_progress.upload import wanted
from glance_progress.upload import worker
from tests.unit import base
from tests.unit.upload import memory

LOST = exceptions.ConnectFailure('lost')
BUSY = exceptions.ServiceUnavailable()


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.cloud = memory.Cloud()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(fixtures.EnvironmentVariable(
            'XDG_STATE_HOME', str(self.folder / 'state')))
        self.stopped = threading.Event()
        for name in ('patience._FIRST', 'patience._LONGEST',
                     'delivery._LOOK'):
            self.patch('glance_progress.upload.' + name, 0.001)

    def item(self, name='a', content=b'data', **fields):
        path = self.folder / name
        path.write_bytes(content)
        return item.Item(name, sources.File(path), **fields)

    def work(self, *items, **wishes):
        wish = wanted.Wishes(**wishes)
        wish.apply(items)
        self.tasks = tasks.of(items)
        patient = patience.Patience(self.stopped)
        stores = thinness.Stores(self.cloud.details)
        self.notes = journal.Journal(journal.directory(), 'cloud p')
        works = worker.Worker(self.cloud, wish, patient, maker.Maker(
            self.cloud, wish, self.notes, patient, delivery.Delivery(
                self.cloud, wish, patient, self.stopped, stores), stores))
        for task in self.tasks:
            works.work(task)
        return self.tasks[-1]

    def check(self, task, state, verified=None, said=''):
        self.assertEqual((state, verified), (task.state, task.verified),
                         task.reason)
        self.assertIn(said, task.reason + task.verified_by)

    def check_nothing_is_left(self):
        self.assertEqual({}, self.cloud.images)
        self.assertIsNone(self.cloud.faults.get('delete'))


class TestUpload(TestCase):

    def test_new(self):
        task = self.work(self.item(
            properties={'os_distro': 'x'}, tags=('t',), min_disk=1,
            visibility='public'), protected=True)
        self.check(task, 'uploaded', True, 'sha512')
        image = self.cloud.images[task.image_id]
        self.assertEqual(
            ('active', 'x', ['t'], 1, 'public', True, False),
            (image['status'], image['os_distro'], image['tags'],
             image['min_disk'], image['visibility'], image['protected'],
             marks.RUN in image))
        self.assertNotIn('min_ram', image)

    def test_parts(self):
        kernel = self.item('k', disk_format='aki')
        task = self.work(kernel, self.item(kernel=kernel))
        self.assertEqual(
            self.tasks[0].image_id,
            self.cloud.images[task.image_id]['kernel_id'])

    def test_part_that_is_not_there(self):
        kernel = self.item('k')
        kernel.wrong = 'It is wrong.'
        self.check(self.work(kernel, self.item(kernel=kernel)), 'failed',
                   said='kernel_id')

    def test_server_that_fails_now_and_then(self):
        for name in ('named', 'create', 'get', 'change'):
            self.cloud.faults[name] = [BUSY, LOST]
        self.cloud.faults['put'] = [LOST, BUSY]
        self.check(self.work(self.item()), 'uploaded', True)
        self.assertEqual(3, self.cloud.calls.count('put'))
        self.assertEqual(1, len(self.cloud.images))

    def test_server_that_fails_on(self):
        self.cloud.faults['put'] = [LOST] * 3
        self.cloud.failure = 'The disk is full.'
        self.check(self.work(self.item()), 'failed', said='The disk is full.')
        self.check_nothing_is_left()

    def test_refused(self):
        self.cloud.faults['put'] = [exceptions.RequestEntityTooLarge(
            details='<html><h1>413</h1>The quota<br>is full</html>')]
        self.check(self.work(self.item()), 'failed', said='The quota is full')
        self.assertEqual(1, self.cloud.calls.count('put'))
        self.check_nothing_is_left()

    def test_an_earlier_attempt_is_late(self):
        for late in exceptions.Conflict(), exceptions.Gone():
            self.cloud.faults['put'] = [LOST, late]
            self.check(self.work(self.item(late.message)), 'uploaded', True)

    def test_the_answer_alone_is_lost(self):
        def put(image_id, body, stores):
            self.cloud._take(image_id, b''.join(body))
            raise LOST
        self.cloud.put = put
        self.check(self.work(self.item()), 'uploaded', True)

    def test_other_data_have_arrived(self):
        def put(image_id, body, stores):
            self.cloud._take(image_id, b''.join(body)[:-1] + b'?')
        self.cloud.put = put
        self.check(self.work(self.item()), 'failed', False,
                   'is not that of the data')
        self.check_nothing_is_left()

    def test_other_algorithm(self):
        self.cloud.algorithm = 'sha256'
        task = self.work(self.item(), self.item('b'))
        self.check(task, 'uploaded', True, 'sha256')
        # It was learned from the first.
        self.assertEqual({'sha256'}, set(task.body.digests))

    def test_unknown_algorithm(self):
        def put(image_id, body, stores):
            self.cloud._take(image_id, b''.join(body))
            self.cloud.images[image_id]['os_hash_algo'] = 'whirl'
        self.cloud.put = put
        self.check(self.work(self.item()), 'uploaded', None, 'not known')

    def test_checksum_of_a_list(self):
        wrong = self.item(checksum='md5:' + '0' * 32)
        self.check(self.work(wrong), 'failed', said='md5')
        self.check_nothing_is_left()
        task = self.work(self.item(
            checksum='md5:8d777f385d3dfec8815d20f7496026dc'))
        self.check(task, 'uploaded', True)
        self.assertIn('md5:8d77', self.cloud.images[task.image_id][
            marks.CHECKSUM])

    def test_somebody_else_was_faster(self):
        self.cloud.add('0', 'a', b'', status='active')
        self.cloud.images['0'].update(status='saving')
        named, calls = self.cloud.named, []

        def later(name, owner):
            calls.append(name)
            return [] if len(calls) == 1 else named(name, owner)
        self.cloud.named = later
        self.check(self.work(self.item()), 'failed', said='somebody else')
        self.assertEqual(['0'], list(self.cloud.images))

    def test_zeros(self):
        self.cloud.details = [{'id': 'ceph', 'default': 'true', 'properties': {
            'chunk_size': 4, 'thin_provisioning': True}}]
        task = self.work(self.item(content=b'data' + bytes(8)))
        self.assertEqual((8, 8), (task.saved, task.body.zeros.bytes))
        self.cloud.details[0]['properties']['thin_provisioning'] = False
        self.assertEqual(0, self.work(self.item('b')).saved)
        self.cloud.details = None
        self.assertIsNone(self.work(self.item('c')).saved)

    def test_fault_of_ours(self):
        self.cloud.named = lambda name, owner: 1 / 0
        self.check(self.work(self.item()), 'failed', said='ZeroDivision')


class TestImport(TestCase):

    def work(self, *items, **wishes):
        return super().work(*items, use_import=True, **wishes)

    def test_direct(self):
        self.check(self.work(self.item(), stores=('a', 'b')), 'uploaded', True)

    def test_converted(self):
        self.cloud.converts_to = 'raw'
        wanted_item = self.item(disk_format='qcow2')
        self.check(self.work(wanted_item), 'uploaded', None,
                   'converted to raw')
        self.check(self.work(wanted_item), 'skipped', None)

    def test_fetched_by_the_cloud(self):
        url = sources.Url('http://127.0.0.1:1/')
        self.check(self.work(item.Item('a', url)), 'uploaded', None)
        self.assertNotIn('put', self.cloud.calls)
        self.assertNotIn('stage', self.cloud.calls)

    def test_its_last_save_undoes_nothing(self):
        self.cloud.locked = 3
        task = self.work(self.item(), protected=True)
        self.check(task, 'uploaded', True)
        while self.cloud.locked > 0:
            self.cloud.get(task.image_id)
        image = self.cloud.get(task.image_id)
        self.assertTrue(image['protected'])
        self.assertNotIn(marks.RUN, image)

    def test_it_dies_before_its_last_save(self):
        self.patch('glance_progress.client.PATIENCE', 0.1)
        self.cloud.locked = 1000
        self.check(self.work(self.item()), 'uploaded', True)

    def statuses(self, *looks):
        """Have the image of an import look like that, one after the other."""
        get, left = self.cloud.get, list(looks)

        def changing(image_id):
            return {**get(image_id), **(left.pop(0) if left else {})}
        self.cloud.get = changing

    def test_failed(self):
        self.cloud.import_fails = True
        self.statuses({'status': 'queued'}, {'status': 'importing'},
                      {'status': 'queued'})
        self.check(self.work(self.item()), 'failed', said='import')
        self.check_nothing_is_left()

    def test_it_begins_late(self):
        self.statuses({'status': 'queued'}, {'status': 'queued'},
                      {'status': 'queued', 'os_glance_import_task': 't'},
                      {'status': 'importing'}, {
                          'os_glance_importing_to_stores': 'second'})
        self.check(self.work(self.item()), 'uploaded', True)

    def test_failed_in_a_store(self):
        self.statuses({'os_glance_failed_import': 'second'})
        self.check(self.work(self.item()), 'failed', said='second')
        self.check_nothing_is_left()


class TestThere(TestCase):

    def test_skipped(self):
        self.cloud.add('i', 'a', b'data')
        task = self.work(self.item())
        self.check(task, 'skipped', True, 'sha512')
        self.assertEqual(['named'], self.cloud.calls)

    def test_refused(self):
        self.cloud.add('i', 'a', b'other')
        self.check(self.work(self.item()), 'refused', said='--update-existing')
        self.assertEqual(['named'], self.cloud.calls)

    def test_update(self):
        self.cloud.add('i', 'a', b'other')
        task = self.work(self.item(), update_existing=True)
        self.check(task, 'uploaded', True)
        self.assertEqual('a_20210201T105238Z', self.cloud.images['i']['name'])

    def test_update_that_fails_leaves_the_old_one(self):
        self.cloud.add('i', 'a', b'other')
        self.cloud.faults['put'] = [exceptions.Forbidden()]
        self.check(self.work(self.item(), update_existing=True), 'failed')
        self.assertEqual({'i': 'a'}, {
            key: each['name'] for key, each in self.cloud.images.items()})

    def test_tied_to_another_kernel(self):
        self.cloud.add('k', 'k', b'kernel')
        self.cloud.add('i', 'a', b'data', kernel_id='another')
        kernel = self.item('k', b'kernel')
        whole = self.item(kernel=kernel)
        self.check(self.work(kernel, whole), 'refused', True, 'kernel_id')
        self.check(self.work(kernel, whole, update_existing=True),
                   'skipped', True)
        self.assertEqual('k', self.cloud.images['i']['kernel_id'])

    def test_two_files_of_one_name(self):
        first, second = self.item('a', b'1'), self.item('b', b'2')
        second.name, second.after = 'a', first
        self.check(self.work(first, second, update_existing=True), 'refused',
                   said='just been uploaded')
        same = self.item('c', b'1')
        same.name, same.after = 'a', first
        self.check(self.work(first, same), 'skipped', True)


class TestInterrupted(TestCase):

    def interrupt(self):
        def put(image_id, body, stores):
            self.cloud.images[image_id]['status'] = 'saving'
            self.stopped.set()
            list(body)
        self.cloud.put = put
        self.assertRaises(reading.Interrupted, self.work, self.item())

    def test_cleans_up(self):
        self.interrupt()
        self.cloud.faults['delete'] = [exceptions.Conflict()]
        self.assertTrue(cleanup.after(self.cloud, self.tasks))
        self.assertEqual({}, self.cloud.images)

    def test_what_cannot_be_cleaned_up(self):
        self.interrupt()
        self.cloud.faults['delete'] = [exceptions.Forbidden()]
        self.assertFalse(cleanup.after(self.cloud, self.tasks))

    def test_after_the_dead(self):
        self.interrupt()
        mine, = self.cloud.images
        self.cloud.add('other', 'a', b'', **{marks.RUN: 'another'})
        self.cloud.images['other']['status'] = 'saving'
        cleanup.after_the_dead(self.cloud, 'cloud p')
        self.assertIn(mine, self.cloud.images)  # it lives
        self.notes._file.close()
        cleanup.after_the_dead(self.cloud, 'elsewhere p')
        self.assertIn(mine, self.cloud.images)
        cleanup.after_the_dead(self.cloud, 'cloud p')
        self.assertEqual(['other'], list(self.cloud.images))
        self.assertEqual([], list(journal.directory().iterdir()))

    def test_dead_one_that_was_complete(self):
        self.interrupt()
        mine, = self.cloud.images
        self.cloud._take(mine, b'data')
        self.notes._file.close()
        cleanup.after_the_dead(self.cloud, 'cloud p')
        self.assertNotIn(marks.RUN, self.cloud.images[mine])

    def test_dead_one_that_nobody_lets_go(self):
        self.interrupt()
        self.notes._file.close()
        self.cloud.faults['delete'] = [exceptions.Forbidden()]
        cleanup.after_the_dead(self.cloud, 'cloud p')
        self.assertEqual(1, len(list(journal.directory().iterdir())))
        self.cloud.faults['get'] = [exceptions.Forbidden()]
        cleanup.after_the_dead(self.cloud, 'cloud p')
        self.assertEqual(1, len(list(journal.directory().iterdir())))
